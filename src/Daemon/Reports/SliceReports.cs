using System.Collections.Immutable;
using SoftUnicast.BgpSpeaker;
using SoftUnicast.Control;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.Egress;
using SoftUnicast.Daemon.State;
using SoftUnicast.Model;
using SoftUnicast.Steering;

namespace SoftUnicast.Daemon.Reports;

/// <summary><c>show slices</c>, <c>show slice for</c> and <c>show prefixes</c>: the kernel's table, with what was meant beside it.</summary>
internal static class SliceReports
{
    public static Answer<SlicesReply> Slices(DaemonSnapshot state, SteeringTable kernel, ShowSlices command, EgressView? view)
    {
        var fleet = state.Configuration.Fleet;
        var self = state.Configuration.Self;
        if (command.Pool is { } pool && fleet.PoolNamed(pool) is null)
        {
            return new ErrorReply(ReplyCode.NotFound, $"there is no pool '{pool}'", $"pools: {string.Join(", ", fleet.Pools.Select(p => p.Name))}");
        }

        if (command.Server is { } server && !fleet.Servers.ContainsKey(server))
        {
            return new ErrorReply(ReplyCode.NotFound, $"there is no server '{server}'", "the fleet file names the servers");
        }

        var rows = ImmutableArray.CreateBuilder<SliceRow>();
        foreach (var egress in fleet.Pools.Where(p => !p.Prefix.IsIPv6 && (command.Pool is null || p.Name == command.Pool)))
        {
            foreach (var address in Addresses(egress, kernel, state.Meant))
            {
                AddRows(rows, state, kernel, egress, address);
            }
        }

        return new SlicesReply("kernel",
        [
            .. rows.Where(r => command.Server is null || r.Owner.Name == command.Server || r.Meant?.Name == command.Server)
                .Select(r => view is null ? r : r with { Here = EgressReports.Here(view, r.Slice) }),
        ]);
    }

    public static Answer<SliceForReply> SliceFor(DaemonSnapshot state, SteeringTable kernel, ShowSliceFor command, Func<int, string> interfaceName)
    {
        var fleet = state.Configuration.Fleet;
        var self = state.Configuration.Self;
        if (fleet.PoolOf(command.Address) is not { } pool)
        {
            return new ErrorReply(ReplyCode.NotFound, $"{command.Address} is in no pool", $"pools: {string.Join(", ", fleet.Pools.Select(p => $"{p.Name} {p.Prefix}"))}");
        }

        var slice = new AddressPorts(command.Address, pool.SliceSize.PortsOf(pool.SliceSize.IndexOf(command.Port)));
        var owner = kernel.OwnerOf(command.Address, command.Port);
        var meant = state.Meant?.OwnerOf(command.Address, command.Port) ?? SliceOwner.Unowned;
        return new SliceForReply(
            command.Address,
            command.Port,
            pool.Name,
            slice,
            OwnerNames.Of(fleet, self, owner),
            owner.Endpoint?.Address,
            owner.Endpoint?.Encapsulation,
            NextHop(owner.Endpoint, interfaceName),
            Differs(fleet, self, owner, meant),
            [new OwnershipClaim("kernel", OwnerNames.Of(fleet, self, owner), slice, null), .. Claims(state, command)],
            state.Configuration.Assignment.Pool(pool.Name)?.Quarantined.Where(q => q.Slice.Overlaps(slice)).Select(q => (DateTimeOffset?)q.Until).FirstOrDefault());
    }

    public static PrefixesReply Prefixes(DaemonSnapshot state, SteeringTable kernel) => new(
    [
        .. from decision in state.Prefixes
           let row = decision.Prefix.IsIPv6 ? null : kernel.PrefixOf(decision.Prefix.Network)
           let owned = row?.OwnedSlices().ToList() ?? []
           let slots = row is null ? 0 : 256 * row.SliceSize.SlicesPerAddress
           select new PrefixRow(
               decision.Prefix,
               decision.Pool.Name,
               decision.Decision.Open ? PrefixState.Announced : PrefixState.Held,
               decision.Decision.Reason,
               row is not null,
               row?.SliceSize.PortCount ?? 0,
               owned.Select(o => o.Slice.Address).Distinct().Count(),
               owned.Count(o => o.Owner.IsHere),
               owned.Count(o => o.Owner.Endpoint is not null),
               slots - owned.Count,
               decision.Pool.LetConnectionsIn ? "owner" : "drop",
               decision.Pool.Echo switch { EchoPolicy.Owner => "owner", EchoPolicy.Answer => "answer", _ => "drop" }),
    ]);

    // Assignable addresses, and any other that the kernel has an owner for.
    private static SortedSet<IpAddress> Addresses(EgressPool pool, SteeringTable kernel, SteeringTable? meant)
    {
        var addresses = new SortedSet<IpAddress>();
        foreach (var table in new[] { kernel, meant })
        {
            foreach (var prefix in table?.Prefixes.Where(p => pool.Prefix.Contains(p.Prefix)) ?? [])
            {
                addresses.UnionWith(prefix.OwnedSlices().Select(o => o.Slice.Address));
            }
        }

        return addresses;
    }

    private static void AddRows(ImmutableArray<SliceRow>.Builder rows, DaemonSnapshot state, SteeringTable kernel, EgressPool pool, IpAddress address)
    {
        var fleet = state.Configuration.Fleet;
        var self = state.Configuration.Self;
        var size = kernel.PrefixOf(address)?.SliceSize ?? pool.SliceSize;
        SliceRow? run = null;
        for (var index = 0; index < size.SlicesPerAddress; index++)
        {
            var ports = size.PortsOf(index);
            var owner = kernel.OwnerOf(address, ports.First);
            var meant = state.Meant?.OwnerOf(address, ports.First) ?? SliceOwner.Unowned;
            var row = new SliceRow(new AddressPorts(address, ports), pool.Name, OwnerNames.Of(fleet, self, owner), owner.Endpoint?.Address,
                owner.Endpoint?.Encapsulation, Differs(fleet, self, owner, meant));

            // A server's slices stand one by one; what a datacenter or nobody owns is shown as one range.
            if (run is not null && row.Owner.Kind is OwnerKind.Datacenter or OwnerKind.Unowned or OwnerKind.Unknown
                && run.Owner == row.Owner && run.Meant == row.Meant && run.Endpoint == row.Endpoint && run.Encapsulation == row.Encapsulation)
            {
                run = run with { Slice = new AddressPorts(address, new PortRange(run.Slice.Ports.First, ports.Last)) };
                continue;
            }

            if (run is not null)
            {
                rows.Add(run);
            }

            run = row;
        }

        rows.Add(run!);
    }

    private static OwnerRef? Differs(Fleet fleet, Server self, SliceOwner owner, SliceOwner meant)
    {
        var says = OwnerNames.Of(fleet, self, owner);
        var shouldSay = OwnerNames.Of(fleet, self, meant);
        return says == shouldSay ? null : shouldSay;
    }

    private static string? NextHop(SteeringEndpoint? endpoint, Func<int, string> interfaceName)
    {
        if (endpoint is null)
        {
            return null;
        }

        return endpoint.IsResolved
            ? $"{interfaceName(endpoint.InterfaceIndex)} to {MacAddress.FromBytes(endpoint.L2[..6])}"
            : "the next hop is not resolved; see show tunnels";
    }

    private static IEnumerable<OwnershipClaim> Claims(DaemonSnapshot state, ShowSliceFor command)
    {
        var fleet = state.Configuration.Fleet;
        foreach (var pool in state.Configuration.Assignment.Pools)
        {
            foreach (var slice in pool.Slices.Where(s => s.Slice.Contains(command.Address, command.Port)))
            {
                var kind = slice.Server == state.Configuration.Self.Name ? OwnerKind.Here : OwnerKind.Server;
                yield return new OwnershipClaim("assignment", new OwnerRef(kind, slice.Server), slice.Slice, null);
            }

            foreach (var block in pool.Blocks.Where(b => b.Block.Contains(command.Address, command.Port)))
            {
                yield return new OwnershipClaim("assignment", new OwnerRef(OwnerKind.Datacenter, block.Datacenter), block.Block, null);
            }
        }

        foreach (var route in state.Routes.Where(r => r.Ports.Contains(command.Address, command.Port)).OrderBy(r => r.Kind).ThenBy(r => r.Origin))
        {
            var origin = fleet.ServersByRouterId.GetValueOrDefault(route.Origin)?.Name ?? route.Origin.ToString();
            yield return new OwnershipClaim(route.Kind == OwnershipKind.Slice ? "bgp slice route" : "bgp block route",
                OwnerNames.Of(fleet, route.Target), route.Ports, $"from {origin} by {route.Neighbour}");
        }
    }
}
