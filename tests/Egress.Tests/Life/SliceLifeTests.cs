using SoftUnicast.Egress.Life;
using SoftUnicast.Egress.Tests.Support;
using SoftUnicast.Steering.Tests.Support;

namespace SoftUnicast.Egress.Tests.Life;

public sealed class SliceLifeTests
{
    private static readonly SliceLife Life = new(SliceLife.DefaultQuarantine);

    /// <summary>
    /// A life as a line: each word an event at a second (<c>granted@0</c>), <c>=</c> the phase and use that must be reached, and
    /// what had to be done since the last one.
    /// </summary>
    public static TheoryData<string, string> Lives => new()
    {
        { "a granted slice is owned and open", "granted@0 =Owned,None:owned,open" },
        { "an owned slice without a use stays", "granted@0 =Owned,None:owned,open tick@9999 =Owned,None:" },
        { "a granted slice is granted once", "granted@0 granted@1 =Owned,None:owned,open" },
        { "a use is taken once", "granted@0 =Owned,None:owned,open exec@1 =Owned,Exec:used exec@2 =Owned,Exec:" },
        { "a held use stays without sockets", "granted@0 exec@1 sockets0@2 tick@999 =Owned,Exec:owned,open,used" },
        { "a use that nobody holds stays while a socket is left", "granted@0 exec@1 released@2 sockets1@3 tick@999 =Owned,Exec:owned,open,used" },
        { "a use that nobody holds ends 120 s after the last socket", "granted@0 exec@1 released@2 sockets1@3 sockets0@4 tick@123.9 =Owned,Exec:owned,open,used tick@124 =Owned,None:unused" },
        { "a socket makes the wait for the end of a use begin anew", "granted@0 exec@1 released@2 sockets0@4 sockets1@100 sockets0@101 tick@220 =Owned,Exec:owned,open,used tick@221 =Owned,None:unused" },
        { "a new holder of the same use ends the wait", "granted@0 exec@1 released@2 sockets0@4 exec@100 tick@999 =Owned,Exec:owned,open,used" },
        { "after a use has ended there may be another", "granted@0 exec@1 released@2 sockets0@4 tick@124 nat@125 =Owned,Nat:owned,open,used,unused,used" },
        { "a withdrawn slice drains", "granted@0 =Owned,None:owned,open withdrawn@1 =Draining,None:draining,close" },
        { "draining keeps the use", "granted@0 exec@1 withdrawn@2 =Draining,Exec:owned,open,used,draining,close" },
        { "draining lasts while a socket is left", "granted@0 withdrawn@1 sockets3@2 tick@9999 =Draining,None:owned,open,draining,close" },
        { "a count from before the drain says nothing", "granted@0 sockets0@1 withdrawn@2 tick@3 =Draining,None:owned,open,draining,close" },
        { "no socket left: quarantine", "granted@0 withdrawn@1 sockets0@2 =Quarantined,None:owned,open,draining,close,quarantined" },
        { "quarantine lasts 120 s", "granted@0 withdrawn@1 sockets0@2 tick@121.9 =Quarantined,None:owned,open,draining,close,quarantined tick@122 =Free,None:free,give-up" },
        { "a socket in quarantine makes the wait begin anew", "granted@0 withdrawn@1 sockets0@2 =Quarantined,None:owned,open,draining,close,quarantined sockets1@100 =Draining,None:draining sockets0@101 tick@220 =Quarantined,None:quarantined tick@221 =Free,None:free,give-up" },
        { "a socket in quarantine does not bring a granted slice back before it was free", "granted@0 withdrawn@1 sockets0@2 granted@3 sockets1@4 =Draining,None:owned,open,draining,close,quarantined,granted,draining sockets0@5 tick@124 =Quarantined,None:quarantined tick@125 =Owned,None:free,give-up,owned,open" },
        { "a count of none in quarantine changes nothing", "granted@0 withdrawn@1 sockets0@2 sockets0@60 tick@122 =Free,None:owned,open,draining,close,quarantined,free,give-up" },
        { "a slice granted again while it drains is owned at once, for nothing was given up", "granted@0 exec@1 withdrawn@2 granted@3 =Owned,Exec:owned,open,used,draining,close,owned,open" },
        { "a slice granted again in quarantine waits all the same", "granted@0 withdrawn@1 sockets0@2 granted@3 =Quarantined,None:owned,open,draining,close,quarantined,granted tick@121 =Quarantined,None: tick@122 =Owned,None:free,give-up,owned,open" },
        { "a slice withdrawn again in quarantine is free after it", "granted@0 withdrawn@1 sockets0@2 granted@3 withdrawn@4 tick@122 =Free,None:owned,open,draining,close,quarantined,granted,withdrawn,free,give-up" },
        { "a drained slice ends up free, though granted", "granted@0 drain@1 sockets0@2 tick@122 =Free,None:owned,open,draining,close,quarantined,free,give-up granted@123 tick@999 =Free,None:" },
        { "a cancelled drain brings it back", "granted@0 drain@1 sockets0@2 tick@122 =Free,None:owned,open,draining,close,quarantined,free,give-up undrain@130 =Owned,None:owned,open" },
        { "a drain cancelled while it drains", "granted@0 drain@1 undrain@2 =Owned,None:owned,open,draining,close,owned,open" },
        { "a drain cancelled in quarantine waits all the same", "granted@0 drain@1 sockets0@2 undrain@3 =Quarantined,None:owned,open,draining,close,quarantined,drain-cancelled tick@122 =Owned,None:free,give-up,owned,open" },
        { "a drain of a withdrawn slice changes nothing of the way", "granted@0 withdrawn@1 drain@2 undrain@3 sockets0@4 =Quarantined,None:owned,open,draining,close,drain-asked,drain-cancelled,quarantined" },
        { "a drain asked for before the grant holds it back", "drain@0 granted@1 =Free,None:drain-asked,granted undrain@2 =Owned,None:owned,open" },
        { "the use ends with the slice", "granted@0 exec@1 withdrawn@2 sockets0@3 tick@123 =Free,None:owned,open,used,draining,close,quarantined,free,give-up granted@124 =Owned,None:owned,open" },
    };

    [Theory]
    [MemberData(nameof(Lives))]
    public void A_life_goes_like_this(string rule, string life)
    {
        var state = Samples.Free();
        var done = new List<string>();
        foreach (var word in life.Split(' '))
        {
            if (word[0] == '=')
            {
                Assert.Equal(word[1..], $"{state.Phase},{state.Use}:{string.Join(',', done)}");
                done.Clear();
                continue;
            }

            var parts = word.Split('@');
            (state, var effects) = Life.Step(state, Event(parts[0]), At.Second(double.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture)));
            done.AddRange(effects.Select(Name));
        }

        Assert.True(done.Count == 0, rule);
    }

    public static TheoryData<string, Clock, Clock, SlicePhase> Clocks => new()
    {
        { "the wait is over", At.Second(0), At.Second(120), SlicePhase.Free },
        { "the wait is not over", At.Second(0), At.Second(119.999), SlicePhase.Quarantined },
        { "the clock was set forward an hour", At.Second(0), At.Second(10, ahead: 3600), SlicePhase.Quarantined },
        { "the clock was set back an hour, not yet", At.Second(0), At.Second(119, ahead: -3600), SlicePhase.Quarantined },
        { "the clock was set back an hour, over", At.Second(0), At.Second(120, ahead: -3600), SlicePhase.Free },
        { "the clock was wrong when it began", At.Second(0, ahead: -1e9), At.Second(10), SlicePhase.Quarantined },
        { "rebooted: the wall clock counts, not yet", At.Second(0), At.SecondAfterReboot(119.999), SlicePhase.Quarantined },
        { "rebooted: the wall clock counts, over", At.Second(0), At.SecondAfterReboot(120), SlicePhase.Free },
        { "rebooted with the clock behind: anew", At.Second(0), At.SecondAfterReboot(500, ahead: -3600), SlicePhase.Quarantined },
    };

    [Theory]
    [MemberData(nameof(Clocks))]
    public void Quarantine_is_counted_since_boot_and_after_a_reboot_by_the_wall_clock(string rule, Clock began, Clock now, SlicePhase phase)
    {
        var state = Samples.Free() with { Phase = SlicePhase.Quarantined, Since = began };
        Assert.True(phase == Life.Step(state, new SliceEvent.Tick(), now).State.Phase, rule);
    }

    [Fact]
    public void After_a_reboot_with_the_clock_behind_the_whole_wait_begins_anew_and_is_written_down()
    {
        var state = Samples.Free() with { Phase = SlicePhase.Quarantined, Since = At.Second(0) };
        var (anew, effects) = Life.Step(state, new SliceEvent.Tick(), At.SecondAfterReboot(500, ahead: -3600));

        Assert.Equal([new SliceEffect.Write(anew, "quarantined")], effects);
        Assert.Equal(SlicePhase.Quarantined, Life.Step(anew, new SliceEvent.Tick(), At.SecondAfterReboot(619, ahead: -3600)).State.Phase);
        Assert.Equal(SlicePhase.Free, Life.Step(anew, new SliceEvent.Tick(), At.SecondAfterReboot(620, ahead: -3600)).State.Phase);

        // One more boot, with the clock right: not over because the wrong one stood so far back.
        var later = new Clock(At.Noon.AddSeconds(60), TimeSpan.FromSeconds(5), "a third boot");
        Assert.Equal(SlicePhase.Quarantined, Life.Step(anew, new SliceEvent.Tick(), later).State.Phase);
    }

    [Fact]
    public void A_restart_keeps_what_the_log_keeps_and_takes_a_use_for_held()
    {
        var state = Samples.Owned(use: SliceUse.Exec) with { Held = false, Sockets = 0, QuietSince = At.Second(5) };
        var restored = state.AfterRestart();

        Assert.True(state.IsSameOnDisk(restored));
        Assert.True(restored.Held);
        Assert.Equal(SliceUse.Exec, Life.Step(restored, new SliceEvent.SocketsCounted(0), At.Second(9999)).State.Use);
    }

    [Theory]
    [InlineData(SlicePhase.Free, SliceUse.None, SliceUse.Exec)]
    [InlineData(SlicePhase.Draining, SliceUse.Exec, SliceUse.Exec)]
    [InlineData(SlicePhase.Quarantined, SliceUse.None, SliceUse.Exec)]
    [InlineData(SlicePhase.Owned, SliceUse.Exec, SliceUse.Nat)]
    [InlineData(SlicePhase.Owned, SliceUse.None, SliceUse.None)]
    public void What_is_not_open_or_serves_another_use_is_not_handed_out(SlicePhase phase, SliceUse has, SliceUse wanted)
    {
        var state = Samples.Owned(use: has) with { Phase = phase };
        var refusal = Assert.Throws<InvalidOperationException>(() => Life.Step(state, new SliceEvent.Used(wanted), At.Second(1)));
        Assert.Equal($"192.0.2.7:4096-6143 is {phase} with use {has}: it cannot serve {wanted}", refusal.Message);
    }

    [Fact]
    public void Whatever_happens_a_slice_is_free_only_after_a_whole_quarantine_without_a_socket()
    {
        var seed = Seed.Choose();
        var random = new Random(seed);
        for (var round = 0; round < 200; round++)
        {
            var state = Samples.Free();
            double now = 0, lastOpen = double.MinValue, ahead = 0;
            for (var step = 0; step < 300; step++)
            {
                now += random.Next(60);
                ahead = random.Next(10) == 0 ? random.Next(-100_000, 100_000) : ahead;
                SliceEvent happened = random.Next(8) switch
                {
                    0 => new SliceEvent.Granted(),
                    1 => new SliceEvent.Withdrawn(),
                    2 => new SliceEvent.DrainAsked(),
                    3 => new SliceEvent.DrainCancelled(),
                    4 => new SliceEvent.SocketsCounted(random.Next(3) == 0 ? 1 : 0),
                    5 when state.IsOpen => new SliceEvent.Used(state.Use == SliceUse.None ? SliceUse.Exec : state.Use),
                    6 => new SliceEvent.ReleasedByAll(),
                    _ => new SliceEvent.Tick(),
                };
                var before = state;
                (state, var effects) = Life.Step(state, happened, At.Second(now, ahead));
                var open = before.Phase is SlicePhase.Owned or SlicePhase.Draining || happened is SliceEvent.SocketsCounted(> 0);
                lastOpen = open ? now : lastOpen;
                if (before.Phase == SlicePhase.Quarantined && state.Phase is SlicePhase.Free or SlicePhase.Owned)
                {
                    Assert.True(now - lastOpen >= 120, $"{Seed.Hint(seed)}: free {now - lastOpen} s after the last socket");
                }

                // Every durable change is in a record, and the last record says what is in force.
                var written = effects.OfType<SliceEffect.Write>().LastOrDefault()?.State ?? before;
                Assert.True(written.IsSameOnDisk(state), $"{Seed.Hint(seed)}: {happened} changed {before} to {state}, written {written}");
            }
        }
    }

    private static SliceEvent Event(string word) => word switch
    {
        "granted" => new SliceEvent.Granted(),
        "withdrawn" => new SliceEvent.Withdrawn(),
        "drain" => new SliceEvent.DrainAsked(),
        "undrain" => new SliceEvent.DrainCancelled(),
        "exec" => new SliceEvent.Used(SliceUse.Exec),
        "nat" => new SliceEvent.Used(SliceUse.Nat),
        "released" => new SliceEvent.ReleasedByAll(),
        "tick" => new SliceEvent.Tick(),
        _ when word.StartsWith("sockets", StringComparison.Ordinal) => new SliceEvent.SocketsCounted(int.Parse(word.AsSpan(7), System.Globalization.CultureInfo.InvariantCulture)),
        _ => throw new ArgumentOutOfRangeException(nameof(word), word, null),
    };

    private static string Name(SliceEffect effect) => effect switch
    {
        SliceEffect.Write write => write.Event,
        SliceEffect.Open => "open",
        SliceEffect.Close => "close",
        SliceEffect.GiveUp => "give-up",
        _ => throw new ArgumentOutOfRangeException(nameof(effect), effect, null),
    };
}
