using NLog;
using SoftUnicast.BgpSpeaker;
using SoftUnicast.Daemon.State;

namespace SoftUnicast.Daemon;

/// <summary>A speaker and the task that runs it. Ending it leaves gobgpd as it is.</summary>
internal sealed class RunningSpeaker : IAsyncDisposable
{
    private static readonly Logger Log = LogManager.GetCurrentClassLogger();
    private readonly CancellationTokenSource stop = new();
    private readonly Task run;
    private readonly Task follow;
    private Announcements? announced;

    private RunningSpeaker(SpeakerOptions options, TimeProvider time, Action changed)
    {
        Options = options;
        var speaker = Speaker = new Speaker(options, time, Tell);
        run = speaker.RunAsync(stop.Token);
        follow = FollowAsync(time, changed);
    }

    public Speaker Speaker { get; }

    /// <summary>When the learned table last became complete, or null.</summary>
    public DateTimeOffset? LastSynchronised { get; private set; }

    /// <summary>What it was started with.</summary>
    public SpeakerOptions Options { get; }

    public static RunningSpeaker Start(SpeakerOptions options, TimeProvider time, Action changed) => new(options, time, changed);

    /// <summary>What a speaker for these files would be started with.</summary>
    /// <exception cref="IOException">A password cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    public static SpeakerOptions OptionsOf(DaemonConfiguration configuration) =>
        configuration.ToSpeakerOptions(path => File.ReadLines(path).FirstOrDefault() ?? "");

    /// <summary>Hands the announcements over if they differ from the last ones.</summary>
    public void Announce(Announcements next)
    {
        if (announced is null || !Same(announced, next))
        {
            announced = next;
            Speaker.Announce(next);
        }
    }

    /// <summary>Somebody else told the speaker what to announce: the next announcements are handed over whatever they are.</summary>
    public void Forget() => announced = null;

    /// <summary>It runs until it is disposed of; the exception that ended it, if there was one, is thrown here.</summary>
    public void ThrowIfEnded()
    {
        if (run.IsFaulted)
        {
            run.GetAwaiter().GetResult();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        await run.ConfigureAwait(false);
        await follow.ConfigureAwait(false);
        stop.Dispose();
    }

    private static bool Same(Announcements left, Announcements right) =>
        left.Internet.SequenceEqual(right.Internet) && left.Underlay.SequenceEqual(right.Underlay)
        && left.Backbone.SequenceEqual(right.Backbone) && left.Datacenter.SequenceEqual(right.Datacenter) && left.Services.SequenceEqual(right.Services);

    private static void Tell(SpeakerNotice notice)
    {
        switch (notice)
        {
            case SpeakerNotice.GobgpChanged { Problem: { } problem } changed:
                Log.Warn("gobgpd is {State}, was {Before}: {Problem}{Next}", changed.To, changed.From, problem, changed.NextStep is { } next ? $"; {next}" : "");
                break;
            case SpeakerNotice.GobgpChanged changed:
                Log.Info("gobgpd is {State}, was {Before}", changed.To, changed.From);
                break;
            case SpeakerNotice.SessionChanged session:
                Log.Info("session with {Neighbour} is {State}, was {Before}{Problem}", session.Neighbour, session.To, session.From,
                    session.Problem is { } why ? $": {why}" : "");
                break;
            case SpeakerNotice.RoutesInstalled routes:
                Log.Info("{Count} routes are with gobgpd, after {Milliseconds:0} ms", routes.Count, routes.Took.TotalMilliseconds);
                break;
            case SpeakerNotice.RoutesRejected rejected:
                Log.Warn("{Count} routes rejected; the last one, {Route} from {Neighbour}: {Reason}, {Detail}", rejected.Count, rejected.Last.Route,
                    rejected.Last.Neighbour, rejected.Last.Reason, rejected.Last.Detail);
                break;
        }
    }

    private async Task FollowAsync(TimeProvider time, Action changed)
    {
        try
        {
            var synchronised = false;
            await foreach (var change in Speaker.Changes.ReadAllAsync(stop.Token).ConfigureAwait(false))
            {
                if (change.Table.Synchronised && !synchronised)
                {
                    LastSynchronised = time.GetUtcNow();
                }

                synchronised = change.Table.Synchronised;
                changed();
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The end.
        }
    }
}
