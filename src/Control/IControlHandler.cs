using System.Collections.Immutable;
using System.Runtime.InteropServices;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;

namespace SoftUnicast.Control;

/// <summary>The process at the other end of a connection, as of its connect (unix(7), SO_PEERCRED).</summary>
/// <param name="ProcessId">0: it is in a PID namespace that this one does not see.</param>
public readonly record struct ControlPeer(int ProcessId, uint UserId, uint GroupId)
{
    /// <summary>All groups that it is in; <c>default</c>: none but <see cref="GroupId"/> is known.</summary>
    public ImmutableArray<uint> Groups { get; init; }
}

/// <summary>Answers commands: what the daemon implements. Its methods may run for several clients at once.</summary>
public interface IControlHandler : INamingHandler
{
    /// <summary>Names that lines are completed with.</summary>
    IKnownNames Names { get; }

    ValueTask<Answer<StatusReply>> ShowStatusAsync(CancellationToken cancellation);

    ValueTask<Answer<BgpReply>> ShowBgpAsync(CancellationToken cancellation);

    ValueTask<Answer<PrefixesReply>> ShowPrefixesAsync(CancellationToken cancellation);

    ValueTask<Answer<SlicesReply>> ShowSlicesAsync(ShowSlices command, CancellationToken cancellation);

    ValueTask<Answer<SliceForReply>> ShowSliceForAsync(ShowSliceFor command, CancellationToken cancellation);

    ValueTask<Answer<TunnelsReply>> ShowTunnelsAsync(CancellationToken cancellation);

    ValueTask<Answer<DropsReply>> ShowDropsAsync(CancellationToken cancellation);

    ValueTask<Answer<HostReply>> ShowHostAsync(CancellationToken cancellation);

    ValueTask<Answer<TraceReply>> TracePacketAsync(TracePacket command, CancellationToken cancellation);

    ValueTask<Answer<PoolsReply>> ShowPoolsAsync(CancellationToken cancellation);

    ValueTask<Answer<LeasesReply>> ShowLeasesAsync(CancellationToken cancellation);

    ValueTask<Answer<GuardReply>> ShowGuardAsync(CancellationToken cancellation);

    ValueTask<Answer<WhoReply>> WhoAsync(Who command, CancellationToken cancellation);

    ValueTask<Answer<EnrollReply>> EnrollAsync(Enroll command, ControlPeer peer, CancellationToken cancellation);

    ValueTask<Answer<LeaveReply>> LeaveAsync(Leave command, ControlPeer peer, CancellationToken cancellation);

    /// <summary>Leases slices to the peer, as long as it lives.</summary>
    ValueTask<Answer<LeaseReply>> LeaseAsync(Lease command, ControlPeer peer, CancellationToken cancellation);

    ValueTask<Answer<LeaseReply>> RenewAsync(Renew command, ControlPeer peer, CancellationToken cancellation);

    ValueTask<Answer<ReleaseReply>> ReleaseAsync(Release command, ControlPeer peer, CancellationToken cancellation);

    /// <summary>
    /// Holds a port of the lease for the destination: one that no other hold in force and no socket has for it, and that no
    /// socket has bound without connecting. The answer's state is <see cref="HoldState.Held"/>. None: <see cref="ReplyCode.NoSlice"/>
    /// if every port has a socket with the 4-tuple, <see cref="ReplyCode.PortTaken"/> if others are just taking what is left.
    /// </summary>
    ValueTask<Answer<HoldReply>> HoldAsync(Hold command, ControlPeer peer, CancellationToken cancellation);

    /// <summary>
    /// Ends the hold. <see cref="HoldState.Yours"/> if it was in force until now and no socket has the 4-tuple, looked at
    /// before the port may be held for that destination again; else <see cref="ReplyCode.PortTaken"/>.
    /// </summary>
    ValueTask<Answer<HoldReply>> BoundAsync(Bound command, ControlPeer peer, CancellationToken cancellation);

    /// <summary>Drains slices, or ends that.</summary>
    ValueTask<Answer<DrainReply>> DrainAsync(Drain command, ControlPeer peer, CancellationToken cancellation);

    ValueTask<Answer<BindingsReply>> ShowBindingsAsync(ShowBindings command, CancellationToken cancellation);

    ValueTask<Answer<DispatchReply>> ShowDispatchAsync(CancellationToken cancellation);

    ValueTask<Answer<BoundReply>> BindAsync(Bind command, CancellationToken cancellation);

    ValueTask<Answer<BoundReply>> UnbindAsync(Unbind command, CancellationToken cancellation);

    /// <summary>Registers all of the sockets, or none.</summary>
    /// <param name="sockets">What came with the line; the caller closes them afterwards.</param>
    ValueTask<Answer<RegisteredReply>> RegisterAsync(Register command, ControlPeer peer, IReadOnlyList<SafeHandle> sockets, CancellationToken cancellation);

    ValueTask<Answer<RegisteredReply>> UnregisterAsync(Unregister command, ControlPeer peer, CancellationToken cancellation);

    /// <summary>Goes down and reports each step when it is done. Once begun it is finished, whether or not the client stays.</summary>
    ValueTask<Answer<DownReply>> DownAsync(Down command, Func<DownStep, ValueTask> report, CancellationToken cancellation);
}
