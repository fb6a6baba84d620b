using SoftUnicast.Model;

namespace SoftUnicast.Tunnels.Tests;

public sealed class NextHopTableTests : IDisposable
{
    private static readonly IpAddress A = IpAddress.Parse("10.2.1.1");
    private static readonly IpAddress B = IpAddress.Parse("10.2.1.2");
    private static readonly NeighbourKey Gateway = new(3, IpAddress.Parse("10.0.0.1"));
    private static readonly NeighbourKey OtherGateway = new(4, IpAddress.Parse("10.0.1.1"));
    private static readonly NextHop Old = Hop("02:00:00:00:00:01");
    private static readonly NextHop New = Hop("02:00:00:00:00:02");
    private readonly ManualTime time = new();
    private readonly ScriptedSource source = new();
    private readonly NextHopTable table;

    public NextHopTableTests() => table = new NextHopTable(source, time);

    public void Dispose() => table.Dispose();

    [Fact]
    public void A_confirmed_next_hop_is_resolved_at_once_and_nobody_is_asked()
    {
        source.Answers[A] = NextHopAnswer.Resolved(Old, Need(Gateway));

        var change = Assert.Single(table.Want([A]));

        Assert.Null(change.Before);
        Assert.Equal((NextHopState.Resolved, Old, null, Gateway), (change.After!.State, change.After.NextHop, change.After.Reason, change.After.Via));
        Assert.Empty(source.Refreshed);
        Assert.Equal(NextHopTimers.Default.Recheck, table.UntilDue());
    }

    [Fact]
    public void An_unknown_neighbour_is_asked_at_once_then_every_second_and_counts_as_failed_after_the_hold_time()
    {
        source.Answers[A] = NextHopAnswer.Pending("10.0.0.1 on eth0 has not answered", Need(Gateway, confirmed: false));

        Assert.Equal(NextHopState.Pending, table.Want([A])[0].After!.State);
        Assert.Equal([Gateway], source.Refreshed);

        Run(TimeSpan.FromSeconds(3.9));
        Assert.Equal(NextHopState.Pending, table.Entries[A].State);
        Assert.Equal(4, source.Refreshed.Count);

        Run(TimeSpan.FromSeconds(0.2));
        Assert.Equal((NextHopState.Failed, null, "10.0.0.1 on eth0 has not answered"), (table.Entries[A].State, table.Entries[A].NextHop, table.Entries[A].Reason));

        Run(TimeSpan.FromSeconds(10));
        Assert.InRange(source.Refreshed.Count, 14, 16); // still asked
    }

    [Fact]
    public void A_neighbour_behind_many_endpoints_is_asked_once_for_all()
    {
        var endpoints = Enumerable.Range(1, 100).Select(i => IpAddress.FromUInt32(0x0A020000u + (uint)i)).ToArray();
        foreach (var endpoint in endpoints)
        {
            source.Answers[endpoint] = NextHopAnswer.Pending("silent", Need(Gateway, confirmed: false));
        }

        table.Want(endpoints);

        Assert.Equal([Gateway], source.Refreshed);
    }

    [Fact]
    public void A_stale_neighbour_is_asked_again_at_most_every_refresh_interval_and_stays_in_force()
    {
        source.Answers[A] = NextHopAnswer.Resolved(Old, Need(Gateway, confirmed: false));
        table.Want([A]);
        Assert.Single(source.Refreshed);

        for (var i = 0; i < 49; i++)
        {
            time.Advance(TimeSpan.FromSeconds(0.1));
            source.Raise(Gateway); // a noisy source does not make it ask more often
            Assert.Empty(table.Step());
        }

        Assert.Single(source.Refreshed);
        time.Advance(TimeSpan.FromSeconds(0.1));
        table.Step();
        Assert.Equal(2, source.Refreshed.Count);
        Assert.Equal(Old, table.Entries[A].NextHop);
    }

    [Fact]
    public void A_changed_MAC_is_followed_by_the_endpoints_behind_that_neighbour_and_by_no_other()
    {
        source.Answers[A] = NextHopAnswer.Resolved(Old, Need(Gateway));
        source.Answers[B] = NextHopAnswer.Resolved(Old, Need(OtherGateway));
        table.Want([A, B]);
        source.Resolved.Clear();
        source.Answers[A] = NextHopAnswer.Resolved(New, Need(Gateway));
        time.Advance(TimeSpan.FromSeconds(1));
        source.Raise(Gateway);

        Assert.Equal(TimeSpan.Zero, table.UntilDue());
        var change = Assert.Single(table.Step());

        Assert.Equal((Old, New), (change.Before!.NextHop!.Value, change.After!.NextHop!.Value));
        Assert.Equal(time.GetUtcNow(), change.After.Since);
        Assert.Equal([A], source.Resolved);
    }

    [Fact]
    public void A_resolved_next_hop_is_held_while_its_neighbour_is_found_again_then_given_up()
    {
        source.Answers[A] = NextHopAnswer.Resolved(Old, Need(Gateway));
        table.Want([A]);
        source.Answers[A] = NextHopAnswer.Pending("the neighbour entry went", Need(Gateway, confirmed: false));
        source.Raise(Gateway);

        Assert.Empty(table.Step()); // nothing changes for packets
        Assert.Equal((NextHopState.Resolved, Old, "the neighbour entry went"), (table.Entries[A].State, table.Entries[A].NextHop, table.Entries[A].Reason));
        Assert.Equal([Gateway], source.Refreshed);

        Run(TimeSpan.FromSeconds(3.9));
        Assert.Equal(Old, table.Entries[A].NextHop);
        Run(TimeSpan.FromSeconds(0.2));
        Assert.Equal((NextHopState.Failed, null), (table.Entries[A].State, table.Entries[A].NextHop));
    }

    [Fact]
    public void A_held_next_hop_that_is_found_again_is_no_change()
    {
        source.Answers[A] = NextHopAnswer.Resolved(Old, Need(Gateway));
        table.Want([A]);
        var since = table.Entries[A].Since;
        source.Answers[A] = NextHopAnswer.Pending("gone", Need(Gateway, confirmed: false));
        source.Raise(Gateway);
        table.Step();
        time.Advance(TimeSpan.FromSeconds(2));
        source.Answers[A] = NextHopAnswer.Resolved(Old, Need(Gateway));
        source.Raise(Gateway);

        Assert.Empty(table.Step());
        Assert.Equal((null, null, since), (table.Entries[A].Reason, table.Entries[A].UnansweredSince, table.Entries[A].Since));
    }

    [Fact]
    public void A_failed_way_is_given_up_at_once_and_comes_back()
    {
        source.Answers[A] = NextHopAnswer.Resolved(Old, Need(Gateway));
        table.Want([A]);
        source.Answers[A] = NextHopAnswer.Failed("no route to 10.2.1.1");
        source.RaiseAll();
        Assert.Equal((NextHopState.Failed, null, "no route to 10.2.1.1", null), (Step().State, table.Entries[A].NextHop, table.Entries[A].Reason, table.Entries[A].Via));

        source.Answers[A] = NextHopAnswer.Pending("asking", Need(Gateway, confirmed: false));
        source.RaiseAll();
        Assert.Empty(table.Step()); // failed until it is resolved

        source.Answers[A] = NextHopAnswer.Resolved(New, Need(Gateway));
        source.RaiseAll();
        Assert.Equal((NextHopState.Resolved, New, null), (Step().State, table.Entries[A].NextHop, table.Entries[A].Reason));

        NextHopEntry Step() => Assert.Single(table.Step()).After!;
    }

    [Fact]
    public void A_change_that_nobody_announced_is_found_by_the_recheck()
    {
        source.Answers[A] = NextHopAnswer.Resolved(Old, Need(Gateway));
        table.Want([A]);
        source.Answers[A] = NextHopAnswer.Resolved(New, Need(Gateway));

        time.Advance(TimeSpan.FromSeconds(29));
        Assert.Empty(table.Step());
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Single(table.Step());
    }

    [Fact]
    public void What_is_no_longer_wanted_is_forgotten_and_not_asked_about()
    {
        source.Answers[A] = NextHopAnswer.Pending("silent", Need(Gateway, confirmed: false));
        source.Answers[B] = NextHopAnswer.Resolved(Old, Need(OtherGateway));
        table.Want([A, B]);
        source.Refreshed.Clear();
        source.Resolved.Clear();

        var change = Assert.Single(table.Want([B]));

        Assert.Equal((A, null), (change.Endpoint, change.After));
        Assert.Equal([B], table.Entries.Keys);
        Assert.Empty(source.Resolved); // what stays is not looked up again
        Run(TimeSpan.FromSeconds(10));
        Assert.Empty(source.Refreshed);
    }

    [Fact]
    public void An_IPv6_endpoint_fails_with_the_reason_and_asks_nobody()
    {
        var six = IpAddress.Parse("2001:db8::7");

        var entry = table.Want([six])[0].After!;

        Assert.Equal((NextHopState.Failed, "the packet path does not carry an IPv6 underlay yet"), (entry.State, entry.Reason));
        Assert.Empty(source.Resolved);
    }

    [Fact]
    public void A_jump_of_the_wall_clock_ends_no_wait()
    {
        source.Answers[A] = NextHopAnswer.Pending("silent", Need(Gateway, confirmed: false));
        table.Want([A]);

        time.WallClockJump = TimeSpan.FromHours(5);
        Run(TimeSpan.FromSeconds(2));
        Assert.Equal(NextHopState.Pending, table.Entries[A].State);
        time.WallClockJump = TimeSpan.FromHours(-5);
        Run(TimeSpan.FromSeconds(3));
        Assert.Equal(NextHopState.Failed, table.Entries[A].State);
    }

    [Fact]
    public async Task The_loop_steps_when_the_source_reports_and_when_something_is_due()
    {
        var seen = System.Threading.Channels.Channel.CreateUnbounded<NextHopChange>();
        table.Changed += (_, changes) => changes.ToList().ForEach(c => seen.Writer.TryWrite(c));
        source.Answers[A] = NextHopAnswer.Resolved(Old, Need(Gateway));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var loop = table.RunAsync(stop.Token);
        table.Want([A]);
        Assert.Equal(NextHopState.Resolved, (await seen.Reader.ReadAsync(stop.Token)).After!.State);

        source.Answers[A] = NextHopAnswer.Resolved(New, Need(Gateway));
        source.Raise(Gateway);
        Assert.Equal(New, (await seen.Reader.ReadAsync(stop.Token)).After!.NextHop);

        source.Answers[A] = NextHopAnswer.Failed("gone");
        var read = seen.Reader.ReadAsync(stop.Token).AsTask();
        while (!read.IsCompleted)
        {
            time.Advance(NextHopTimers.Default.Recheck); // nothing is announced: time alone brings it
            await Task.Yield();
        }

        Assert.Equal("gone", (await read).After!.Reason);
        await stop.CancelAsync();
        await loop;
    }

    [Fact]
    public void A_disposed_table_no_longer_listens()
    {
        Assert.True(source.HasListener);
        table.Dispose();
        Assert.False(source.HasListener);
    }

    // Whatever the source answers and whenever: an entry for each wanted endpoint and no other, a next hop only as long as
    // it is resolved or held, a reason whenever it is not simply resolved, and every change reported exactly once.
    [Fact]
    public void Random_answers_never_break_the_rules()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var endpoints = Enumerable.Range(1, 8).Select(i => IpAddress.FromUInt32(0x0A020000u + (uint)i)).ToArray();
        var shown = new Dictionary<IpAddress, NextHop?>();
        table.Changed += (_, changes) =>
        {
            foreach (var change in changes)
            {
                Assert.Equal(change.Before?.NextHop, shown.GetValueOrDefault(change.Endpoint));
                if (change.After is null)
                {
                    shown.Remove(change.Endpoint);
                }
                else
                {
                    shown[change.Endpoint] = change.After.NextHop;
                }
            }
        };
        var wanted = new HashSet<IpAddress>();
        for (var round = 0; round < 3000; round++)
        {
            var endpoint = endpoints[random.Next(endpoints.Length)];
            var key = random.Next(2) == 0 ? Gateway : OtherGateway;
            source.Answers[endpoint] = random.Next(3) switch
            {
                0 => NextHopAnswer.Resolved(random.Next(2) == 0 ? Old : New, Need(key, random.Next(2) == 0)),
                1 => NextHopAnswer.Pending("pending", Need(key, confirmed: false)),
                _ => NextHopAnswer.Failed("failed"),
            };
            switch (random.Next(4))
            {
                case 0:
                    wanted = [.. endpoints.Where(_ => random.Next(2) == 0)];
                    table.Want(wanted);
                    break;
                case 1:
                    source.Raise(key);
                    break;
                case 2:
                    source.RaiseAll();
                    break;
                default:
                    time.Advance(TimeSpan.FromSeconds(random.NextDouble() * 3));
                    break;
            }

            table.Step();
            var where = $"seed {seed} round {round}";
            Assert.True(wanted.SetEquals(table.Entries.Keys), where);
            foreach (var entry in table.Entries.Values)
            {
                Assert.True(entry.State == NextHopState.Resolved == entry.NextHop is not null, where);
                Assert.True(entry.Reason is null == (entry.State == NextHopState.Resolved && entry.UnansweredSince is null), where);
                Assert.True(shown[entry.Endpoint] == entry.NextHop, where);
                Assert.True(entry.UnansweredSince is not { } since || time.GetUtcNow() - since < NextHopTimers.Default.Hold, where);
            }
        }
    }

    private static NextHop Hop(string mac) => new(3, MacAddress.Parse("02:00:00:00:00:aa"), MacAddress.Parse(mac), null, 1500);

    private static NeighbourNeed Need(NeighbourKey key, bool confirmed = true) => new(key, confirmed);

    private void Run(TimeSpan duration)
    {
        for (var end = time.GetTimestamp() + duration.Ticks; time.GetTimestamp() < end;)
        {
            time.Advance(TimeSpan.FromSeconds(0.1));
            table.Step();
        }
    }
}
