using System.Runtime.InteropServices;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Tests.Support;

/// <summary>Answers with the sample replies, and notes what it was asked.</summary>
internal sealed partial class SampleHandler : IControlHandler
{
    public List<ControlCommand> Asked { get; } = [];

    public Func<ShowSlices, Answer<SlicesReply>> Slices { get; set; } = c => c.Pool is null or "us-general"
        ? new SlicesReply("kernel", [.. Samples.Slices.Slices.Where(s => c.Server is null || s.Owner.Name == c.Server)])
        : new ErrorReply(ReplyCode.NotFound, $"no pool is named '{c.Pool}'", "show prefixes lists the pools");

    public Func<Task> BeforeStatus { get; set; } = () => Task.CompletedTask;

    public IKnownNames Names { get; } = new SampleNames();

    public async ValueTask<Answer<StatusReply>> ShowStatusAsync(CancellationToken cancellation)
    {
        Asked.Add(new ShowStatus());
        await BeforeStatus();
        return Samples.Status;
    }

    public ValueTask<Answer<BgpReply>> ShowBgpAsync(CancellationToken cancellation) => new(Samples.Bgp);

    public ValueTask<Answer<PrefixesReply>> ShowPrefixesAsync(CancellationToken cancellation) => new(Samples.Prefixes);

    public ValueTask<Answer<SlicesReply>> ShowSlicesAsync(ShowSlices command, CancellationToken cancellation)
    {
        Asked.Add(command);
        return new(Slices(command));
    }

    public ValueTask<Answer<SliceForReply>> ShowSliceForAsync(ShowSliceFor command, CancellationToken cancellation) => new(Samples.SliceFor);

    public ValueTask<Answer<TunnelsReply>> ShowTunnelsAsync(CancellationToken cancellation) => new(Samples.Tunnels);

    public ValueTask<Answer<DropsReply>> ShowDropsAsync(CancellationToken cancellation) => new(Samples.Drops);

    public ValueTask<Answer<HostReply>> ShowHostAsync(CancellationToken cancellation) => new(Samples.Host);

    public ValueTask<Answer<TraceReply>> TracePacketAsync(TracePacket command, CancellationToken cancellation)
    {
        Asked.Add(command);
        return new(Samples.Trace);
    }

    public ValueTask<Answer<PoolsReply>> ShowPoolsAsync(CancellationToken cancellation) => new(Samples.Pools);

    public ValueTask<Answer<LeasesReply>> ShowLeasesAsync(CancellationToken cancellation) => new(Samples.Leases);

    public ValueTask<Answer<GuardReply>> ShowGuardAsync(CancellationToken cancellation) => new(Samples.Guard);

    public ValueTask<Answer<WhoReply>> WhoAsync(Who command, CancellationToken cancellation)
    {
        Asked.Add(command);
        return new(command.At?.Year < 2026 ? Samples.WhoUnknown : Samples.Who);
    }

    public ValueTask<Answer<EnrollReply>> EnrollAsync(Enroll command, ControlPeer peer, CancellationToken cancellation)
    {
        Asked.Add(command);
        return new(Choose(command.Choice) is { } error ? error : Samples.Enroll with { Cgroup = command.CgroupId, Path = command.Path });
    }

    public ValueTask<Answer<LeaveReply>> LeaveAsync(Leave command, ControlPeer peer, CancellationToken cancellation)
    {
        Asked.Add(command);
        return new(Samples.Leave);
    }

    public ValueTask<Answer<LeaseReply>> LeaseAsync(Lease command, ControlPeer peer, CancellationToken cancellation)
    {
        Asked.Add(command);
        return new(Choose(command.Choice) is { } error ? error : Samples.Lease with { ProcessId = peer.ProcessId, Kind = command.Kind });
    }

    public ValueTask<Answer<LeaseReply>> RenewAsync(Renew command, ControlPeer peer, CancellationToken cancellation)
    {
        Asked.Add(command);
        return new(command.LeaseId == Samples.Lease.Lease
            ? Samples.Lease with { ProcessId = peer.ProcessId }
            : new ErrorReply(ReplyCode.LeaseRevoked, $"lease {command.LeaseId} was revoked: 192.0.2.1:2048-4095 went to ams-2", "lease again"));
    }

    public ValueTask<Answer<ReleaseReply>> ReleaseAsync(Release command, ControlPeer peer, CancellationToken cancellation)
    {
        Asked.Add(command);
        return new(command.LeaseId == Samples.Lease.Lease
            ? Samples.Release
            : new ErrorReply(ReplyCode.LeaseUnknown, $"no lease is named {command.LeaseId}", "show leases lists them"));
    }

    public ValueTask<Answer<HoldReply>> HoldAsync(Hold command, ControlPeer peer, CancellationToken cancellation)
    {
        Asked.Add(command);
        return new(Samples.Hold);
    }

    public ValueTask<Answer<HoldReply>> BoundAsync(Bound command, ControlPeer peer, CancellationToken cancellation)
    {
        Asked.Add(command);
        return new(command.Token == Samples.Hold.Token
            ? Samples.Hold with { State = HoldState.Yours }
            : new ErrorReply(ReplyCode.PortTaken, "the hold ran out", "close the socket and ask again"));
    }

    public ValueTask<Answer<DrainReply>> DrainAsync(Drain command, ControlPeer peer, CancellationToken cancellation)
    {
        Asked.Add(command);
        return new(Samples.Drain with { Undone = command.Undo });
    }

    public ValueTask<Answer<BindingsReply>> ShowBindingsAsync(ShowBindings command, CancellationToken cancellation)
    {
        Asked.Add(command);
        return new(Samples.Bindings with { Bindings = [.. Samples.Bindings.Bindings.Where(b => command.Label is null || b.Label == command.Label.ToString())] });
    }

    public ValueTask<Answer<DispatchReply>> ShowDispatchAsync(CancellationToken cancellation) => new(Samples.Dispatch);

    public ValueTask<Answer<BoundReply>> BindAsync(Bind command, CancellationToken cancellation)
    {
        Asked.Add(command);
        return new(IpPrefix.Parse("198.51.96.0/20").Contains(command.Binding.Prefix)
            ? new BoundReply(command.Binding.ToString(), true, null)
            : new ErrorReply(ReplyCode.BindingRefused, $"'{command.Binding}' lies in no configured pool: 198.51.96.0/20", "see show dispatch"));
    }

    public ValueTask<Answer<BoundReply>> UnbindAsync(Unbind command, CancellationToken cancellation)
    {
        Asked.Add(command);
        return new(Samples.Unbound);
    }

    /// <summary>How many sockets came, by call.</summary>
    public List<int> SocketsTaken { get; } = [];

    public ValueTask<Answer<RegisteredReply>> RegisterAsync(Register command, ControlPeer peer, IReadOnlyList<SafeHandle> sockets, CancellationToken cancellation)
    {
        Asked.Add(command);
        SocketsTaken.Add(sockets.Count(s => !s.IsClosed));
        return new(sockets.Count > 0 ? Samples.Registered : new ErrorReply(ReplyCode.SocketRefused, "no socket came with the line", "softunicastc register LABEL sends it"));
    }

    public ValueTask<Answer<RegisteredReply>> UnregisterAsync(Unregister command, ControlPeer peer, CancellationToken cancellation)
    {
        Asked.Add(command);
        return new(Samples.Unregistered);
    }

    public async ValueTask<Answer<DownReply>> DownAsync(Down command, Func<DownStep, ValueTask> report, CancellationToken cancellation)
    {
        Asked.Add(command);
        foreach (var step in Samples.Down.Steps)
        {
            await report(step);
        }

        return Samples.Down;
    }

    private static ErrorReply? Choose(SliceChoice choice) => choice switch
    {
        { Pool: "us-general" } => null,
        { Pool: "de-general" } => new ErrorReply(ReplyCode.NoSlice, "this server has no slice of pool de-general", "show pools tells where there are some"),
        { Pool: { } pool } => new ErrorReply(ReplyCode.NotFound, $"no pool is named '{pool}'", "show pools lists the pools"),
        { Tags: [{ Key: "country", Value: "US" }, ..] } => null,
        _ => new ErrorReply(ReplyCode.UnknownTag, $"no pool has the {choice}", "show pools lists the tags"),
    };

    private sealed class SampleNames : IKnownNames
    {
        public IEnumerable<string> Pools => ["us-general", "us-video", "de-general"];

        public IEnumerable<string> Servers => ["ams-1", "ams-2", "fra-1"];

        public IEnumerable<string> Interfaces => ["eth0", "eth1"];

        public IEnumerable<string> Labels => ["dns", "www"];

        public IEnumerable<string> Policies => ["cdn", "rest"];

        public IEnumerable<string> NamingPools => ["twenty", "twenty-four", "one"];
    }
}
