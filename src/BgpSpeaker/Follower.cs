using System.Threading.Channels;
using SoftUnicast.BgpSpeaker.Wire;
using SoftUnicast.Model;
using Api = SoftUnicast.BgpSpeaker.Gobgp;

namespace SoftUnicast.BgpSpeaker;

/// <summary>
/// Follows the daemon's table: opens the watch, waits until it is registered, reads the table, then goes on with what the watch has seen
/// meanwhile. An older event may be applied after the list that contains it already; the later events that follow it put that right.
/// </summary>
internal sealed class Follower(GobgpClient client, RouteFilter filter, Rejections rejections, TimeProvider time, Action wake) : IAsyncDisposable
{
    private const int PeerEventEndOfInitial = 2;

    /// <summary>Messages kept while the table is read; past that the daemon keeps them.</summary>
    private const int Buffered = 8192;

    private static readonly TimeSpan RegistrationTime = TimeSpan.FromSeconds(5);

    private CancellationTokenSource? watchCancellation;
    private Task watching = Task.CompletedTask;
    private Channel<Api.WatchEventResponse>? events;

    /// <summary>The accepted routes.</summary>
    public LearnedState Learned { get; } = new();

    /// <summary>True if the watch broke since it was opened.</summary>
    public bool Broken { get; private set; }

    public async Task ResyncAsync(CancellationToken cancellation)
    {
        await StopAsync().ConfigureAwait(false);
        var registered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        watchCancellation = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        events = Channel.CreateBounded<Api.WatchEventResponse>(new BoundedChannelOptions(Buffered) { SingleReader = true, SingleWriter = true });
        Broken = false;
        watching = WatchAsync(events.Writer, registered, watchCancellation.Token);
        try
        {
            await registered.Task.WaitAsync(RegistrationTime, time, cancellation).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new GobgpException(GobgpFailure.Hung, "WatchEvent", "the watch was not registered in time", null);
        }

        Learned.HoldAll();
        await ReadAsync(countsRejected: true, cancellation).ConfigureAwait(false);
    }

    /// <summary>Reads the table, beside the watch: gobgpd says that a neighbour's table is there before the watch has told all of it.</summary>
    public async Task ReadAsync(bool countsRejected, CancellationToken cancellation)
    {
        foreach (var family in Family.FlowSpec)
        {
            await foreach (var path in client.ListPathsAsync(family, cancellation).ConfigureAwait(false))
            {
                Apply(path, countsRejected);
            }
        }
    }

    /// <summary>Applies the events that wait.</summary>
    /// <returns>True if there was a peer event among them: a session has changed.</returns>
    public bool Drain()
    {
        var peerEvent = false;
        while (events is not null && events.Reader.TryRead(out var message))
        {
            peerEvent |= message.EventCase == Api.WatchEventResponse.EventOneofCase.Peer;
            foreach (var path in message.Table?.Paths ?? [])
            {
                Apply(path, countsRejected: true);
            }
        }

        return peerEvent;
    }

    public async Task StopAsync()
    {
        if (watchCancellation is not null)
        {
            await watchCancellation.CancelAsync().ConfigureAwait(false);
            await watching.ConfigureAwait(false);
            watchCancellation.Dispose();
            watchCancellation = null;
        }

        events = null;
        Broken = false;
    }

    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

    private async Task WatchAsync(ChannelWriter<Api.WatchEventResponse> writer, TaskCompletionSource registered, CancellationToken cancellation)
    {
        try
        {
            await foreach (var message in client.WatchAsync(cancellation).ConfigureAwait(false))
            {
                if (message.Peer?.Type == PeerEventEndOfInitial)
                {
                    registered.TrySetResult();
                    continue;
                }

                await writer.WriteAsync(message, cancellation).ConfigureAwait(false);
                wake();
            }

            registered.TrySetException(new GobgpException(GobgpFailure.Failed, "WatchEvent", "the watch ended at once", null));
        }
        catch (GobgpException e)
        {
            registered.TrySetException(e);
        }
        catch (OperationCanceledException)
        {
            registered.TrySetCanceled(cancellation);
        }

        if (!cancellation.IsCancellationRequested)
        {
            Broken = true;
            wake();
        }
    }

    private void Apply(Api.Path path, bool countsRejected)
    {
        var family = new Family((ushort)(path.Family?.Afi ?? 0), (byte)(path.Family?.Safi ?? 0));
        if (!family.IsFlowSpec || !IpAddress.TryParse(path.NeighborIp, out var neighbour))
        {
            return;
        }

        var (nlri, fault, attributes) = WatchDecoder.Decode(path, family.IsIPv6);
        if (path.IsWithdraw)
        {
            if (nlri is not null && OwnershipMatch.TryRead(nlri, out var withdrawn, out _))
            {
                Learned.Apply(new LearnedKey(neighbour, withdrawn), null);
            }

            return;
        }

        var source = IpAddress.TryParse(path.SourceId, out var id) ? id : default;
        var verdict = filter.Judge(nlri, fault, attributes, source, neighbour);
        if (verdict.Match is { } match)
        {
            Learned.Apply(new LearnedKey(neighbour, match), verdict.Route);
        }

        if (!verdict.Accepted && countsRejected)
        {
            rejections.Add(new RejectedRoute(time.GetUtcNow(), neighbour, attributes.OriginatorId ?? source,
                WatchDecoder.Describe(nlri, path), verdict.Reason, verdict.Detail));
        }
    }
}
