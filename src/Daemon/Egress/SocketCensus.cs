using SoftUnicast.Control.Replies;
using SoftUnicast.Egress;
using SoftUnicast.Egress.Capacity;
using SoftUnicast.Egress.Life;
using SoftUnicast.Linux.Host;
using SoftUnicast.Linux.Net;
using SoftUnicast.Model;
using SocketCount = SoftUnicast.Egress.Capacity.SocketCount;

namespace SoftUnicast.Daemon.Egress;

/// <summary>Counts the sockets and translated flows of the slices, by slice and destination. What takes long is done less often.</summary>
internal sealed class SocketCensus(TimeProvider time) : IDisposable
{
    private const int ShareOfTime = 20;
    private SocketDiagnostics? diagnostics;
    private NatFlows? flows;
    private long countedAt;
    private TimeSpan took;
    private Dictionary<AddressPorts, int> sockets = [];
    private Dictionary<AddressPorts, double> percent = [];

    /// <summary>The last pass counted.</summary>
    public bool IsFresh { get; private set; }

    /// <summary>What could not be counted at the last pass, or null.</summary>
    public Problem? Trouble { get; private set; }

    public CapacityReport Capacity { get; private set; } = new([], [], []);

    public SocketDiagnostics Sockets => diagnostics ??= new SocketDiagnostics();

    public int SocketsOf(AddressPorts slice) => sockets.GetValueOrDefault(slice);

    /// <summary>How full the fullest destination of a slice is.</summary>
    public double PercentOf(AddressPorts slice) => percent.GetValueOrDefault(slice);

    /// <param name="again">Whenever the last count was.</param>
    public void Count(IEnumerable<SliceState> slices, Fleet fleet, bool again = false)
    {
        IsFresh = again || time.GetElapsedTime(countedAt) >= took * ShareOfTime;
        if (!IsFresh)
        {
            return;
        }

        countedAt = time.GetTimestamp();
        var list = slices.Where(s => s.Phase != SlicePhase.Free).ToList();
        var all = list.Select(s => s.Slice).ToList();
        var byAddress = all.ToLookup(s => s.Address);
        IEnumerable<(SocketEnd Local, Destination Destination)> taken = all.Count == 0 ? [] : Sockets.In(SocketProtocol.Tcp, all).Concat(Sockets.In(SocketProtocol.Udp, all))
            .Select(s => (s.Local, Destination: DestinationOf((byte)s.Protocol, s.Remote)));
        var translated = list.Where(s => s.Use == SliceUse.Nat).Select(s => IpPrefix.Host(s.Slice.Address)).Distinct().ToList();
        Trouble = null;
        if (translated.Count > 0)
        {
            try
            {
                taken = taken.Concat((flows ??= new NatFlows()).In(translated).Select(f => (f.Outside, DestinationOf(f.Protocol, f.Remote))));
            }
            catch (SystemCallException e)
            {
                // What is not known to be over is not over: no slice goes on in its life by this count.
                Trouble = new Problem($"translated flows cannot be counted: {e.Message}", null);
                IsFresh = false;
            }
        }

        var placed = taken.Select(t => (Slice: byAddress[t.Local.Address].Where(slice => slice.Ports.Contains(t.Local.Port)).Select(s => (AddressPorts?)s).FirstOrDefault(), t.Local.Port, t.Destination))
            .Where(p => p.Slice is not null).Select(p => (Slice: p.Slice!.Value, p.Port, p.Destination)).ToList();
        sockets = placed.GroupBy(p => p.Slice).ToDictionary(g => g.Key, g => g.Count());
        Capacity = CapacityCount.Of(
            all.Select(s => (s, fleet.PoolOf(s.Address)?.Name ?? "-")),
            placed.GroupBy(p => (p.Slice, p.Destination)).Select(g => new SocketCount(g.Key.Slice, g.Key.Destination, g.Select(p => p.Port).Distinct().Count())));
        percent = Capacity.Slices.ToDictionary(s => s.Slice, s => s.Percent);
        took = time.GetElapsedTime(countedAt);
    }

    public void Dispose()
    {
        diagnostics?.Dispose();
        flows?.Dispose();
    }

    private static Destination DestinationOf(byte protocol, SocketEnd remote) => remote.Address.Value == 0
        ? new Destination(protocol, null, 0)
        : new Destination(protocol, remote.Address, remote.Port);
}
