using System.Collections.Immutable;
using SoftUnicast.Model;
using static SoftUnicast.BgpSpeaker.Tests.TestFleet;

namespace SoftUnicast.BgpSpeaker.Tests;

/// <summary>The life of gobgpd, step by step, without one.</summary>
public sealed class GobgpMachineTests
{
    private static readonly GobgpEvent NotStarted = new GobgpEvent.Answered(0, null);
    private static readonly GobgpEvent Ours = new GobgpEvent.Answered(Asn, Ip("10.9.0.1"));
    private static readonly GobgpEvent Done = new GobgpEvent.Done();

    private readonly GobgpMachine machine = new(Asn, Ip("10.9.0.1"), "/run/gobgpd/gobgpd.sock");
    private GobgpSituation situation = GobgpMachine.Initial(DateTimeOffset.UnixEpoch);
    private DateTimeOffset now = DateTimeOffset.UnixEpoch;

    [Fact]
    public void A_fresh_gobgpd_is_started_filled_and_followed_in_this_order()
    {
        Assert.Equal([GobgpEffect.StartBgp, GobgpEffect.Reconcile, GobgpEffect.Resync], Step(NotStarted));
        Assert.Equal(GobgpState.Starting, situation.State);
        Assert.Empty(Step(Done));
        Assert.Equal(GobgpState.Running, situation.State);
    }

    [Fact]
    public void A_gobgpd_that_runs_as_us_is_never_started_again()
    {
        Assert.Equal([GobgpEffect.Reconcile, GobgpEffect.Resync], Step(Ours));
        Step(Done);
        Assert.Equal(GobgpState.Running, situation.State);
        Assert.Empty(Step(Ours));
        Assert.Empty(Step(Ours));
    }

    [Theory]
    [InlineData(64513u, "10.9.0.1")]
    [InlineData(64512u, "10.9.0.9")]
    public void A_gobgpd_that_runs_as_somebody_else_is_left_alone(uint asn, string routerId)
    {
        Assert.Empty(Step(new GobgpEvent.Answered(asn, Ip(routerId))));
        Assert.Equal(GobgpState.Refused, situation.State);
        Assert.Equal($"gobgpd runs with AS {asn} and router id {routerId}, not with AS 64512 and router id 10.9.0.1", situation.Problem);
        Assert.NotNull(situation.NextStep);
    }

    [Fact]
    public void Foreign_neighbours_are_named_and_refused_until_they_are_gone()
    {
        Step(Ours);
        Assert.Equal([GobgpEffect.Hold], Step(new GobgpEvent.ForeignNeighbours("192.0.2.99")));
        Assert.Equal(GobgpState.Refused, situation.State);
        Assert.Equal("gobgpd has neighbours that softunicast did not make: 192.0.2.99", situation.Problem);
        Assert.Equal([GobgpEffect.Reconcile, GobgpEffect.Resync], Step(Ours));
        Step(Done);
        Assert.Equal((GobgpState.Running, null), (situation.State, situation.Problem));
    }

    public static TheoryData<string, string> Losses() => new()
    {
        { "Absent", "Absent" }, { "Refused", "Absent" }, { "Denied", "Absent" }, { "Failed", "Absent" }, { "Hung", "Hung" }, { "Unsupported", "Unsupported" },
    };

    [Theory]
    [MemberData(nameof(Losses))]
    public void A_running_gobgpd_that_does_not_answer_is_held_and_named_with_a_next_step(string failure, string state)
    {
        Run();
        if (failure == "Hung")
        {
            Assert.Empty(Step(new GobgpEvent.Unanswered(GobgpFailure.Hung, "detail")));
        }

        Assert.Equal([GobgpEffect.Hold], Step(new GobgpEvent.Unanswered(Enum.Parse<GobgpFailure>(failure), "detail")));
        Assert.Equal(Enum.Parse<GobgpState>(state), situation.State);
        Assert.Contains("detail", situation.Problem, StringComparison.Ordinal);
        Assert.NotNull(situation.NextStep);
        Assert.Empty(Step(new GobgpEvent.Unanswered(Enum.Parse<GobgpFailure>(failure), "detail")));
        Assert.Equal([GobgpEffect.Reconcile, GobgpEffect.Resync], Step(Ours));
    }

    [Fact]
    public void One_missed_deadline_is_forgiven_if_the_next_is_met()
    {
        Run();
        for (var i = 0; i < 3; i++)
        {
            Assert.Empty(Step(new GobgpEvent.Unanswered(GobgpFailure.Hung, "")));
            Assert.Empty(Step(Ours));
        }

        Assert.Equal((GobgpState.Running, 0), (situation.State, situation.Missed));
    }

    [Fact]
    public void A_gobgpd_that_restarted_between_two_questions_is_filled_again()
    {
        Run();
        Assert.Equal([GobgpEffect.Hold, GobgpEffect.StartBgp, GobgpEffect.Reconcile, GobgpEffect.Resync], Step(NotStarted));
        Run();
        Assert.Equal([GobgpEffect.Hold], Step(new GobgpEvent.WatchEnded()));
        Assert.Equal(GobgpState.Starting, situation.State);
        Assert.Equal([GobgpEffect.StartBgp, GobgpEffect.Reconcile, GobgpEffect.Resync], Step(NotStarted));
    }

    [Fact]
    public void What_is_announced_may_change_while_it_runs_and_waits_while_it_does_not()
    {
        Assert.Empty(Step(new GobgpEvent.Drifted()));
        Run();
        Assert.Equal([GobgpEffect.Reconcile], Step(new GobgpEvent.Drifted()));
        Step(Done);
        Assert.Equal(GobgpState.Running, situation.State);
    }

    [Fact]
    public void A_refused_call_is_shown_and_tried_again()
    {
        Step(NotStarted);
        Assert.Empty(Step(new GobgpEvent.Failed(GobgpFailure.Failed, "StartBgp: listen tcp4 0.0.0.0:179: bind: address already in use")));
        Assert.Equal((GobgpState.Starting, "another BGP daemon holds the port: stop it, or set gobgpd's listen-port (-1: do not listen)"), (situation.State, situation.NextStep));
        Assert.Equal([GobgpEffect.StartBgp, GobgpEffect.Reconcile, GobgpEffect.Resync], Step(NotStarted));
        Step(Done);
        Assert.Null(situation.Problem);
    }

    [Fact]
    public void Since_is_when_the_state_was_entered()
    {
        Run();
        var entered = situation.Since;
        Step(Ours);
        Step(new GobgpEvent.Drifted());
        Assert.Equal(entered, situation.Since);
        Step(new GobgpEvent.Unanswered(GobgpFailure.Absent, ""));
        Assert.Equal(now, situation.Since);
    }

    [Fact]
    public void No_sequence_of_events_starts_a_gobgpd_that_has_an_AS()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        GobgpEvent[] events =
        [
            NotStarted, Ours, Done, new GobgpEvent.Answered(1, Ip("10.9.0.1")), new GobgpEvent.WatchEnded(), new GobgpEvent.Drifted(), new GobgpEvent.ForeignNeighbours("x"),
            .. Enum.GetValues<GobgpFailure>().SelectMany(f => new GobgpEvent[] { new GobgpEvent.Unanswered(f, ""), new GobgpEvent.Failed(f, "") }),
        ];
        for (var i = 0; i < 50_000; i++)
        {
            var happened = events[random.Next(events.Length)];
            var before = situation.State;
            var effects = Step(happened);
            Assert.True(!effects.Contains(GobgpEffect.StartBgp) || happened == NotStarted, $"seed {seed}, step {i}");
            Assert.True(situation.State != GobgpState.Running || before is GobgpState.Running or GobgpState.Starting, $"seed {seed}, step {i}");
            Assert.True(!(before == GobgpState.Running && situation.State is not (GobgpState.Running or GobgpState.Starting)) || effects.Contains(GobgpEffect.Hold), $"seed {seed}, step {i}");
            Assert.True(!effects.Skip(1).Contains(GobgpEffect.Hold), $"seed {seed}, step {i}");
        }
    }

    private void Run()
    {
        Step(Ours);
        Step(Done);
        Assert.Equal(GobgpState.Running, situation.State);
    }

    private ImmutableArray<GobgpEffect> Step(GobgpEvent happened)
    {
        now += TimeSpan.FromSeconds(1);
        (situation, var effects) = machine.Step(situation, happened, now);
        return effects;
    }
}
