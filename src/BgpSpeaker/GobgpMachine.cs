using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.BgpSpeaker;

/// <summary>What was found out about the daemon.</summary>
internal abstract record GobgpEvent
{
    /// <summary>It answered. AS 0: it has not been started.</summary>
    internal sealed record Answered(uint Asn, IpAddress? RouterId) : GobgpEvent;

    /// <summary>It did not answer as it should.</summary>
    internal sealed record Unanswered(GobgpFailure Failure, string Detail) : GobgpEvent;

    /// <summary>The effects of the last step were carried out.</summary>
    internal sealed record Done : GobgpEvent;

    /// <summary>An effect failed; the daemon may still be there.</summary>
    internal sealed record Failed(GobgpFailure Failure, string Detail) : GobgpEvent;

    /// <summary>Neighbours stand in it that we did not make.</summary>
    internal sealed record ForeignNeighbours(string Names) : GobgpEvent;

    /// <summary>The watch ended.</summary>
    internal sealed record WatchEnded : GobgpEvent;

    /// <summary>What is to be announced has changed, or a neighbour of ours is gone.</summary>
    internal sealed record Drifted : GobgpEvent;
}

/// <summary>What the driver is to do, in this order.</summary>
internal enum GobgpEffect
{
    /// <summary>Stop following; the table stays as it is, its routes marked as held. Only as the first.</summary>
    Hold = 0,

    /// <summary>StartBgp. Never on a daemon that has an AS already: it would lose its routes.</summary>
    StartBgp = 1,

    /// <summary>Bring policies, routes and neighbours to what they should be, changing only what differs.</summary>
    Reconcile = 2,

    /// <summary>Open the watch, then read the table, then go on with what the watch has seen since.</summary>
    Resync = 3,
}

/// <param name="Since">When <see cref="State"/> was entered.</param>
/// <param name="Problem">What is wrong, or null.</param>
/// <param name="NextStep">What the operator can do about it, or null.</param>
/// <param name="Missed">Questions in a row that were not answered in time.</param>
internal sealed record GobgpSituation(GobgpState State, DateTimeOffset Since, string? Problem, string? NextStep, int Missed = 0);

/// <summary>
/// The life of the daemon as the speaker sees it, as a pure state machine:
/// <code>
///   Absent / Hung / Unsupported / Refused  -- answered, AS 0 --> StartBgp, Reconcile, Resync --> Starting -- done --> Running
///                                          -- answered, ours --> Reconcile, Resync           --> Starting -- done --> Running
///                                          -- answered, another's --> Refused
///   Starting, Running -- unanswered --> Hold --> Absent / Hung / Unsupported
///                        (a running one may miss one deadline: machines are busy at times)
///   Running -- watch ended --> Hold --> Starting, until the next answer
/// </code>
/// </summary>
internal sealed class GobgpMachine(uint asn, IpAddress routerId, string socketPath)
{
    public static GobgpSituation Initial(DateTimeOffset now) => new(GobgpState.Absent, now, "not asked yet", null);

    public (GobgpSituation Situation, ImmutableArray<GobgpEffect> Effects) Step(GobgpSituation situation, GobgpEvent happened, DateTimeOffset now)
    {
        var followed = situation.State is GobgpState.Starting or GobgpState.Running;
        switch (happened)
        {
            case GobgpEvent.Answered { Asn: 0 }:
                return (Enter(GobgpState.Starting), situation.State == GobgpState.Running
                    ? [GobgpEffect.Hold, GobgpEffect.StartBgp, GobgpEffect.Reconcile, GobgpEffect.Resync]
                    : [GobgpEffect.StartBgp, GobgpEffect.Reconcile, GobgpEffect.Resync]);

            case GobgpEvent.Answered answer when answer.Asn != asn || answer.RouterId != routerId:
                return (Enter(GobgpState.Refused,
                    $"gobgpd runs with AS {answer.Asn} and router id {answer.RouterId?.ToString() ?? "none"}, not with AS {asn} and router id {routerId}",
                    "correct the fleet file (as, router-id), or take the global section out of gobgpd's own file and restart it"),
                    followed ? [GobgpEffect.Hold] : []);

            case GobgpEvent.Answered when situation.State == GobgpState.Running:
                return (situation with { Missed = 0 }, []);

            case GobgpEvent.Answered:
                return (Enter(GobgpState.Starting, situation.State == GobgpState.Starting ? situation.Problem : null),
                    [GobgpEffect.Reconcile, GobgpEffect.Resync]);

            case GobgpEvent.Unanswered(GobgpFailure.Hung, _) when situation is { State: GobgpState.Running, Missed: 0 }:
                return (situation with { Missed = 1 }, []);

            case GobgpEvent.Unanswered(var failure, var detail):
                return (Lost(failure, detail), followed ? [GobgpEffect.Hold] : []);

            case GobgpEvent.Failed(GobgpFailure.Failed, var detail):
                return (Enter(GobgpState.Starting, $"gobgpd refused a call: {detail}",
                    detail.Contains("address already in use", StringComparison.Ordinal)
                        ? "another BGP daemon holds the port: stop it, or set gobgpd's listen-port (-1: do not listen)"
                        : "see gobgpd's log; it is tried again"),
                    situation.State == GobgpState.Running ? [GobgpEffect.Hold] : []);

            case GobgpEvent.Failed(var failure, var detail):
                return (Lost(failure, detail), followed ? [GobgpEffect.Hold] : []);

            case GobgpEvent.ForeignNeighbours(var names):
                return (Enter(GobgpState.Refused, $"gobgpd has neighbours that softunicast did not make: {names}",
                    "take them out of gobgpd's own file and restart it, or remove them with 'gobgp neighbor del'"),
                    followed ? [GobgpEffect.Hold] : []);

            case GobgpEvent.WatchEnded when situation.State == GobgpState.Running:
                return (Enter(GobgpState.Starting, "the watch ended"), [GobgpEffect.Hold]);

            case GobgpEvent.Done when situation.State is GobgpState.Starting or GobgpState.Running:
                return (Enter(GobgpState.Running), []);

            case GobgpEvent.Drifted when situation.State == GobgpState.Running:
                return (situation, [GobgpEffect.Reconcile]);

            default:
                return (situation, []);
        }

        GobgpSituation Enter(GobgpState state, string? problem = null, string? nextStep = null) =>
            new(state, state == situation.State ? situation.Since : now, problem, nextStep);

        GobgpSituation Lost(GobgpFailure failure, string detail) => failure switch
        {
            GobgpFailure.Hung => Enter(GobgpState.Hung, $"gobgpd does not answer: {detail}",
                "see what holds gobgpd (its log, its CPU time); restart it if it stays so: forwarding goes on meanwhile"),
            GobgpFailure.Unsupported => Enter(GobgpState.Unsupported, $"what answers on {socketPath} does not offer the control interface of GoBGP 3: {detail}",
                "install GoBGP 3.10 or a later 3.x"),
            GobgpFailure.Denied => Enter(GobgpState.Absent, $"no access to {socketPath}: {detail}",
                "add the daemon's user to the group that owns gobgpd's socket"),
            GobgpFailure.Refused => Enter(GobgpState.Absent, $"nobody listens on {socketPath}: {detail}",
                "start gobgpd; a socket that a killed gobgpd left behind must be removed first, its unit should do so (ExecStartPre=rm -f)"),
            GobgpFailure.Failed => Enter(GobgpState.Absent, $"gobgpd cannot be asked: {detail}", "see gobgpd's log"),
            _ => Enter(GobgpState.Absent, $"{socketPath} does not exist: {detail}", "start gobgpd (its option --api-hosts names the socket)"),
        };
    }
}
