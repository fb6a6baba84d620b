using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;

namespace SoftUnicast.Control;

/// <summary>Answers commands: what the daemon implements. Its methods may run for several clients at once.</summary>
public interface IControlHandler
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

    /// <summary>Goes down and reports each step when it is done. Once begun it is finished, whether or not the client stays.</summary>
    ValueTask<Answer<DownReply>> DownAsync(Down command, Func<DownStep, ValueTask> report, CancellationToken cancellation);
}
