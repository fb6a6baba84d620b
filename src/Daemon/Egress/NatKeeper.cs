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
internal sealed class NatKeeper(string server) : IDisposable
{
    private static readonly Logger Log = LogManager.GetCurrentClassLogger();
    private NatTable? table;
    private NatPlan? plan;
    private string? script;

    /// <summary>NAT may give new flows ports of this slice.</summary>
    public bool Uses(AddressPorts slice) => plan?.Tracked.Contains(slice) ?? false;

    /// <summary>Writes what is meant if it is not what was written, and puts back what somebody changed.</summary>
    public ImmutableArray<Problem> Keep(DaemonConfiguration configuration, SliceBook book, SliceHolders holders)
    {
        var meant = Plan(configuration, book, holders);
        try
        {
            table ??= new NatTable(new Nftables());
            var text = meant.Script();
            if (script != text)
            {
                table.Apply(meant);
                (plan, script) = (meant, text);
            }
            else
            {
                var differences = table.Repair();
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
        (table, plan, script) = (null, null, null);
    }

    private NatPlan Plan(DaemonConfiguration configuration, SliceBook book, SliceHolders holders) => new(
        NatPlan.TableOf(server),
        [.. configuration.Fleet.Pools.Where(p => !p.Prefix.IsIPv6).Select(p => p.Prefix)],
        [.. configuration.Server.Egress!.Nat.Select(n => new NatPool(n.Pool, n.Sources, [], book.Serving(SliceUse.Nat, [n.Pool])))],
        [.. holders.Enrolled.Where(e => e.Path is not null).Select(e => new NatCgroup(e.Path!, book.Serving(SliceUse.Nat, e.Pools)))])
    {
        Draining = [.. book.Slices.Values.Where(s => s.Use == SliceUse.Nat && s.Phase is SlicePhase.Draining or SlicePhase.Quarantined).Select(s => s.Slice)],
    };
}
