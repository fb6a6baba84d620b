using System.Collections.Immutable;
using SoftUnicast.Control;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.State;
using SoftUnicast.Model;
using SoftUnicast.Steering;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Daemon.Reports;

/// <summary><c>show tunnels</c>, <c>show drops</c> and <c>trace packet</c>: all from the kernel's own tables and counters.</summary>
internal static class PacketReports
{
    public static TunnelsReply Tunnels(DaemonSnapshot state, ISteeringMaps maps, Func<int, string> interfaceName)
    {
        var fleet = state.Configuration.Fleet;
        var kernel = KernelTable.Read(maps).Table;
        var slots = kernel.Prefixes.SelectMany(p => p.OwnedSlices()).Where(o => o.Owner.Endpoint is not null)
            .GroupBy(o => o.Owner.Endpoint!).ToDictionary(g => g.Key, g => g.Count());
        var rows = ImmutableArray.CreateBuilder<TunnelRow>();
        var counters = new SuCounter[AbiLimits.Endpoints];
        maps.ReadEndpointCounters(0, counters);
        var seen = new HashSet<SteeringEndpoint>();
        for (var index = (int)AbiLimits.FirstEndpoint; index < AbiLimits.Endpoints; index++)
        {
            if (SteeringEndpoint.FromEntry(in maps.Endpoints[index]) is { } endpoint && slots.TryGetValue(endpoint, out var count) && seen.Add(endpoint))
            {
                rows.Add(new TunnelRow(
                    index,
                    endpoint.Address,
                    OwnerNames.Of(fleet, endpoint.Address),
                    endpoint.Encapsulation,
                    endpoint.Rank == Rank.Datacenter ? "datacenter" : "backbone",
                    count,
                    endpoint.IsResolved,
                    endpoint.IsResolved ? interfaceName(endpoint.InterfaceIndex) : null,
                    endpoint.IsResolved ? MacAddress.FromBytes(endpoint.L2[..6]) : null,
                    endpoint.L2.Length == 18 ? (ushort)((endpoint.L2[14] << 8 | endpoint.L2[15]) & 0xfff) : null,
                    endpoint.MtuBytes,
                    counters[index].Packets,
                    counters[index].Bytes));
            }
        }

        return new TunnelsReply(
            [.. kernel.Locals.Select(l => new LocalEndpoint(l.Address, l.Address == state.Configuration.Self.Endpoint.Address ? "server" : "datacenter", Accepts(l)))],
            [.. rows.OrderBy(r => r.Endpoint).ThenBy(r => r.Index)]);
    }

    public static DropsReply Drops(ISteeringMaps maps)
    {
        var counters = new SuCounter[AbiLimits.Reasons];
        maps.ReadCounters(counters);
        return new DropsReply(
        [
            .. Reasons.All.Select(r => new ReasonRow(
                (int)r.Reason, r.Name, Reasons.NameOf(r.Verdict), r.IsDrop, counters[(int)r.Reason].Packets, counters[(int)r.Reason].Bytes, r.Meaning)),
        ]);
    }

    public static PacketTotals Totals(ISteeringMaps maps)
    {
        var rows = Drops(maps).Reasons;
        ulong Sum(Verdict verdict) => rows.Where(r => Reasons.All[r.Number].Verdict == verdict).Aggregate(0ul, (sum, r) => sum + r.Packets);
        return new PacketTotals(Sum(Verdict.Pass), Sum(Verdict.Steer), Sum(Verdict.Decapsulate), Sum(Verdict.Transit), Sum(Verdict.Answer), Sum(Verdict.Drop));
    }

    public static Answer<TraceReply> Trace(DaemonSnapshot state, SteeringTable kernel, TracePacket command, Func<int, string> interfaceName)
    {
        if (InterfaceFor(kernel, command, interfaceName) is not { } device)
        {
            var known = string.Join(", ", kernel.Interfaces.Keys.Order().Select(interfaceName));
            return new ErrorReply(ReplyCode.NotFound, command.Interface is { } name
                ? $"the packet path knows no interface '{name}'"
                : "the packet path knows no interface that such a packet would come in by", known.Length == 0 ? "it is attached nowhere; see show host" : $"interfaces: {known}");
        }

        var frame = command.Packet.FrameFor(device.Mac);
        var decision = kernel.Decide(frame, device.Index, explain: true);
        var reason = Reasons.Of(decision.Reason);
        var fleet = state.Configuration.Fleet;
        OwnerRef? owner = decision.Slice is { } slice ? OwnerNames.Of(fleet, state.Configuration.Self, kernel.OwnerOf(slice.Address, slice.Ports.First)) : null;
        return new TraceReply(
            Describe(frame),
            interfaceName(device.Index),
            Reasons.NameOf(decision.Verdict),
            reason.Name,
            reason.Meaning,
            reason.IsDrop,
            [.. decision.Steps.Select(TraceStepOf)],
            owner,
            decision.Endpoint?.Address,
            decision.Endpoint?.Encapsulation,
            decision.EgressInterface == 0 ? null : interfaceName(decision.EgressInterface),
            decision.Output.IsEmpty ? null : Describe(decision.Output.Span),
            Convert.ToHexStringLower(frame),
            decision.Output.IsEmpty ? null : Convert.ToHexStringLower(decision.Output.Span));
    }

    private static ImmutableArray<string> Accepts(SteeringLocal local) =>
    [
        .. new (AcceptedEncapsulations Bit, string Name)[]
        {
            (AcceptedEncapsulations.Gue, "gue"),
            (AcceptedEncapsulations.Gre, "gre"),
            (AcceptedEncapsulations.GreKey, $"gre key {local.GreKey}"),
            (AcceptedEncapsulations.Ipip, "ipip"),
        }.Where(a => local.Accept.HasFlag(a.Bit)).Select(a => a.Name),
    ];

    private static SteeringInterface? InterfaceFor(SteeringTable kernel, TracePacket command, Func<int, string> interfaceName)
    {
        var needed = command.Packet.Tunnelled == true ? InterfaceRoles.Backbone : InterfaceRoles.Internet;
        foreach (var (index, device) in kernel.Interfaces.OrderBy(i => i.Key))
        {
            if (command.Interface is { } name ? interfaceName(index) == name : device.Roles.HasFlag(needed))
            {
                return device;
            }
        }

        return null;
    }

    // The oracle says each step as "layer: finding".
    private static TraceStep TraceStepOf(string step)
    {
        var colon = step.IndexOf(": ", StringComparison.Ordinal);
        return colon > 0 ? new TraceStep(step[..colon], step[(colon + 2)..]) : new TraceStep("", step);
    }

    private static string Describe(ReadOnlySpan<byte> frame) => $"{frame.Length} bytes, {PacketSummary.Of(frame)}";
}
