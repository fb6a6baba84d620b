using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using SoftUnicast.Control;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Control.Tests.Support;
using SoftUnicast.Model;

namespace SoftUnicast.Client.Tests.Support;

/// <summary>Leases the slices that it is given, and holds ports by what /proc/net/udp shows of this network namespace.</summary>
internal sealed partial class LeasingHandler(params string[] slices) : IControlHandler
{
    private const string Pool = "us-general";
    private static readonly TimeSpan HoldTime = TimeSpan.FromSeconds(2);
    private readonly SampleHandler samples = new();
    private readonly ImmutableArray<HeldSlice> held = [.. slices.Select(s => new HeldSlice(AddressPorts.Parse(s), Pool))];
    private readonly Lock gate = new();
    private readonly Dictionary<string, Held> holds = [];
    private int leases;
    private int tokens;

    public ConcurrentDictionary<string, LeaseReply> InForce { get; } = new();

    public ConcurrentQueue<string> Released { get; } = new();

    public IKnownNames Names => samples.Names;

    public ValueTask<Answer<LeaseReply>> LeaseAsync(Lease command, ControlPeer peer, CancellationToken cancellation)
    {
        if (command.Choice is { Pool: not null and not Pool })
        {
            return new(new ErrorReply(ReplyCode.NotFound, $"no pool is named '{command.Choice.Pool}'", "show pools lists the pools"));
        }

        if (command.Choice is { Pool: null, Tags: not [{ Key: "country", Value: "US" }] })
        {
            return new(new ErrorReply(ReplyCode.UnknownTag, $"no pool has the {command.Choice}", "show pools lists the tags"));
        }

        if (held.Length == 0)
        {
            return new(new ErrorReply(ReplyCode.NoSlice, "this server has no slice of pool us-general"));
        }

        var lease = new LeaseReply(Interlocked.Increment(ref leases).ToString(CultureInfo.InvariantCulture), command.Kind, peer.ProcessId, held);
        InForce[lease.Lease] = lease;
        return new(lease);
    }

    public ValueTask<Answer<LeaseReply>> RenewAsync(Renew command, ControlPeer peer, CancellationToken cancellation) =>
        new(InForce.TryGetValue(command.LeaseId, out var lease) ? lease : Over(command.LeaseId));

    public ValueTask<Answer<ReleaseReply>> ReleaseAsync(Release command, ControlPeer peer, CancellationToken cancellation)
    {
        if (!InForce.TryRemove(command.LeaseId, out var lease))
        {
            return new(Over(command.LeaseId));
        }

        Released.Enqueue(command.LeaseId);
        return new(new ReleaseReply(lease.Lease, lease.Slices));
    }

    public ValueTask<Answer<HoldReply>> HoldAsync(Hold command, ControlPeer peer, CancellationToken cancellation)
    {
        if (!InForce.TryGetValue(command.LeaseId, out var lease))
        {
            return new(Over(command.LeaseId));
        }

        lock (gate)
        {
            var sockets = UdpSockets();
            var busy = false;
            foreach (var slice in lease.Slices.Select(s => s.Slice))
            {
                var start = Random.Shared.Next(slice.Ports.Count);
                for (var i = 0; i < slice.Ports.Count; i++)
                {
                    var port = (ushort)(slice.Ports.First + ((start + i) % slice.Ports.Count));
                    var flow = new Flow(slice.Address, port, command.Remote, command.RemotePort);
                    if (sockets.Contains(flow))
                    {
                        continue;
                    }

                    var taken = sockets.Contains(new Flow(slice.Address, port, default, 0)) || holds.Values.Any(h => h.IsInForce && h.Flow == flow);
                    busy |= taken;
                    if (!taken)
                    {
                        var token = $"{lease.Lease}-{++tokens}";
                        holds[token] = new Held(flow, Environment.TickCount64 + (long)HoldTime.TotalMilliseconds);
                        return new(Reply(token, HoldState.Held, flow));
                    }
                }
            }

            if (busy)
            {
                return new(new ErrorReply(ReplyCode.PortTaken, "the ports that are left are being taken by somebody else", "ask again"));
            }
        }

        return new(new ErrorReply(ReplyCode.NoSlice, $"no port is left towards {command.Remote}:{command.RemotePort}"));
    }

    public ValueTask<Answer<HoldReply>> BoundAsync(Bound command, ControlPeer peer, CancellationToken cancellation)
    {
        lock (gate)
        {
            return holds.Remove(command.Token, out var hold) && hold.IsInForce && !UdpSockets().Contains(hold.Flow)
                ? new(Reply(command.Token, HoldState.Yours, hold.Flow))
                : new(new ErrorReply(ReplyCode.PortTaken, "the hold ran out", "close the socket and ask again"));
        }
    }

    public ValueTask<Answer<StatusReply>> ShowStatusAsync(CancellationToken cancellation) => samples.ShowStatusAsync(cancellation);

    public ValueTask<Answer<BgpReply>> ShowBgpAsync(CancellationToken cancellation) => samples.ShowBgpAsync(cancellation);

    public ValueTask<Answer<PrefixesReply>> ShowPrefixesAsync(CancellationToken cancellation) => samples.ShowPrefixesAsync(cancellation);

    public ValueTask<Answer<SlicesReply>> ShowSlicesAsync(ShowSlices command, CancellationToken cancellation) => samples.ShowSlicesAsync(command, cancellation);

    public ValueTask<Answer<SliceForReply>> ShowSliceForAsync(ShowSliceFor command, CancellationToken cancellation) => samples.ShowSliceForAsync(command, cancellation);

    public ValueTask<Answer<TunnelsReply>> ShowTunnelsAsync(CancellationToken cancellation) => samples.ShowTunnelsAsync(cancellation);

    public ValueTask<Answer<DropsReply>> ShowDropsAsync(CancellationToken cancellation) => samples.ShowDropsAsync(cancellation);

    public ValueTask<Answer<HostReply>> ShowHostAsync(CancellationToken cancellation) => samples.ShowHostAsync(cancellation);

    public ValueTask<Answer<TraceReply>> TracePacketAsync(TracePacket command, CancellationToken cancellation) => samples.TracePacketAsync(command, cancellation);

    public ValueTask<Answer<PoolsReply>> ShowPoolsAsync(CancellationToken cancellation) => samples.ShowPoolsAsync(cancellation);

    public ValueTask<Answer<LeasesReply>> ShowLeasesAsync(CancellationToken cancellation) => samples.ShowLeasesAsync(cancellation);

    public ValueTask<Answer<GuardReply>> ShowGuardAsync(CancellationToken cancellation) => samples.ShowGuardAsync(cancellation);

    public ValueTask<Answer<WhoReply>> WhoAsync(Who command, CancellationToken cancellation) => samples.WhoAsync(command, cancellation);

    public ValueTask<Answer<EnrollReply>> EnrollAsync(Enroll command, ControlPeer peer, CancellationToken cancellation) => samples.EnrollAsync(command, peer, cancellation);

    public ValueTask<Answer<LeaveReply>> LeaveAsync(Leave command, ControlPeer peer, CancellationToken cancellation) => samples.LeaveAsync(command, peer, cancellation);

    public ValueTask<Answer<DrainReply>> DrainAsync(Drain command, ControlPeer peer, CancellationToken cancellation) => samples.DrainAsync(command, peer, cancellation);

    public ValueTask<Answer<BindingsReply>> ShowBindingsAsync(ShowBindings command, CancellationToken cancellation) => samples.ShowBindingsAsync(command, cancellation);

    public ValueTask<Answer<DispatchReply>> ShowDispatchAsync(CancellationToken cancellation) => samples.ShowDispatchAsync(cancellation);

    public ValueTask<Answer<BoundReply>> BindAsync(Bind command, CancellationToken cancellation) => samples.BindAsync(command, cancellation);

    public ValueTask<Answer<BoundReply>> UnbindAsync(Unbind command, CancellationToken cancellation) => samples.UnbindAsync(command, cancellation);

    public ValueTask<Answer<RegisteredReply>> RegisterAsync(Register command, ControlPeer peer, IReadOnlyList<SafeHandle> sockets, CancellationToken cancellation) =>
        samples.RegisterAsync(command, peer, sockets, cancellation);

    public ValueTask<Answer<RegisteredReply>> UnregisterAsync(Unregister command, ControlPeer peer, CancellationToken cancellation) =>
        samples.UnregisterAsync(command, peer, cancellation);

    public ValueTask<Answer<DownReply>> DownAsync(Down command, Func<DownStep, ValueTask> report, CancellationToken cancellation) =>
        samples.DownAsync(command, report, cancellation);

    /// <summary>The UDP sockets of this network namespace over IPv4; one that is not connected has remote 0.0.0.0:0.</summary>
    public static HashSet<Flow> UdpSockets() => [.. File.ReadLines("/proc/self/net/udp").Skip(1).Select(line =>
    {
        var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var (address, port) = Endpoint(fields[1]);
        var (remote, remotePort) = Endpoint(fields[2]);
        return new Flow(address, port, remote, remotePort);
    })];

    // 0702000C0:1388: the address as a little-endian word, the port as a number.
    private static (IpAddress Address, ushort Port) Endpoint(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var word = uint.Parse(text.AsSpan(0, colon), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return (IpAddress.FromBytes(BitConverter.GetBytes(word)), ushort.Parse(text.AsSpan(colon + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }

    private static ErrorReply Over(string lease) => new(ReplyCode.LeaseRevoked, $"lease {lease} was revoked", "lease again");

    private static HoldReply Reply(string token, HoldState state, Flow flow) =>
        new(token, state, token.Split('-')[0], flow.Address, flow.Port, flow.Remote, flow.RemotePort, HoldTime);

    private sealed record Held(Flow Flow, long Until)
    {
        public bool IsInForce => Environment.TickCount64 <= Until;
    }

    internal readonly record struct Flow(IpAddress Address, ushort Port, IpAddress Remote, ushort RemotePort);
}
