using System.Collections.Immutable;
using NLog;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.State;
using SoftUnicast.Egress;
using SoftUnicast.Egress.Life;
using SoftUnicast.Egress.Nat;
using SoftUnicast.Linux.Host;
using SoftUnicast.Linux.Net;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.Egress;

/// <summary>Keeps our nftables table as it is meant, and nobody else's.</summary>
/// <param name="open">How to the table; null: the kernel's, by nft(8).</param>
internal sealed class NatKeeper(string server, Func<INatTable>? open = null) : IDisposable
{
    private static readonly Logger Log = LogManager.GetCurrentClassLogger();
    private INatTable? table;
    private NatPlan? plan;
    private string? written; // null: what the kernel holds is not known to be the plan

    /// <summary>NAT may give new flows ports of this slice.</summary>
    public bool Uses(AddressPorts slice) => plan?.Tracked.Contains(slice) ?? false;

    /// <summary>Datagrams of this cgroup are translated, by rules that hold its number.</summary>
    public bool Serves(ulong cgroup) => written is not null && table is not null && plan is not null
        && plan.Cgroups.Any(c => c.Id == cgroup && !c.Slices.IsEmpty && !table.GoneCgroups.Contains(c.Path));

    /// <summary>Writes what is meant if it is not what was written, and puts back what somebody changed.</summary>
    public ImmutableArray<Problem> Keep(DaemonConfiguration configuration, SliceBook book, IEnumerable<EnrolledCgroup> enrolled)
    {
        var meant = Plan(configuration, book, enrolled);
        try
        {
            table ??= open is null ? new NatTable(new Nftables()) : open();
            var meaning = meant.Meaning();
            if (written != meaning)
            {
                table.Apply(meant);
                (plan, written) = (meant, meaning);
            }
            else
            {
                written = null; // until it is known to be as it was
                var differences = table.Repair();
                written = meaning;
                if (!differences.IsEmpty)
                {
                    Log.Warn("nft table {Table} was changed by somebody and is put back: {Differences}", meant.Table, string.Join("; ", differences.Take(5)));
                }
            }

            return [];
        }
        catch (Exception e) when (e is NftablesException or SystemCallException or InvalidOperationException)
        {
            return [new Problem($"NAT is not as it is meant: {e.Message}", null)];
        }
    }

    public void Remove(List<string> done)
    {
        var name = NatPlan.TableOf(server);
        try
        {
            if (new Nftables().Remove(name))
            {
                done.Add($"nft table {name} is removed");
            }
        }
        catch (NftablesException e)
        {
            done.Add($"nft table {name} may be left: {e.Message}");
        }

        Dispose();
    }

    public void Dispose()
    {
        table?.Dispose();
        (table, plan, written) = (null, null, null);
    }

    private NatPlan Plan(DaemonConfiguration configuration, SliceBook book, IEnumerable<EnrolledCgroup> enrolled) => new(
        NatPlan.TableOf(server),
        [.. configuration.Fleet.Pools.Where(p => !p.Prefix.IsIPv6).Select(p => p.Prefix)],
        [.. configuration.Server.Egress!.Nat.Select(n => new NatPool(n.Pool, n.Sources, [], book.Serving(SliceUse.Nat, [n.Pool])))],
        [.. enrolled.Where(e => e.Path is not null).Select(e => new NatCgroup(e.Path!, book.Serving(SliceUse.Nat, e.Pools)) { Id = e.Id })])
    {
        Draining = [.. book.Slices.Values.Where(s => s.Use == SliceUse.Nat && s.Phase is SlicePhase.Draining or SlicePhase.Quarantined).Select(s => s.Slice)],
    };
}
