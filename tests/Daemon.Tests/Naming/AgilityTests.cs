using System.Collections.Immutable;
using SoftUnicast.Control;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.Naming;
using SoftUnicast.Daemon.Reports;
using SoftUnicast.Model;
using SoftUnicast.Naming.Tests;

namespace SoftUnicast.Daemon.Tests.Naming;

/// <summary>Moves and drains: what is refused, what outlives the daemon, and when old addresses are free.</summary>
public sealed class AgilityTests : IDisposable
{
    private readonly NamingHouse house = new();
    private readonly Dictionary<IpAddress, ulong> counts = [];

    [Fact]
    public void A_move_holds_for_the_next_query_and_over_restarts()
    {
        house.Pass();
        var generation = house.Generation();
        var moved = Assert.IsType<AgilityMoveReply>(house.Agility.Move("cdn", "twenty-four").Reply);
        Assert.Equal(("twenty", "twenty-four", true, 30, null), (moved.From.Single(), moved.To.Single(), moved.Moved, moved.TtlSeconds, moved.Behind));
        Assert.Equal(("twenty-four", generation + 1), (house.Answer("www.example.com"), house.Generation()));

        house.Restart();
        Assert.Empty(house.Pass());
        Assert.Equal("twenty-four", house.Answer("www.example.com"));

        // From there to the pool of the file: the move is over.
        var back = Assert.IsType<AgilityMoveReply>(house.Agility.Move("cdn", "twenty").Reply);
        Assert.Equal(("twenty-four", "twenty", false), (back.From.Single(), back.To.Single(), back.Moved));
        Assert.Empty(house.Service.Agility.Moves);
        house.Restart();
        house.Pass();
        Assert.Equal("twenty", house.Answer("www.example.com"));
    }

    [Fact]
    public void A_move_ends_and_a_drain_is_undone()
    {
        house.Pass();
        house.Agility.Move("pro", "twenty-four");
        var ended = Assert.IsType<AgilityMoveReply>(house.Agility.End("pro").Reply);
        Assert.Equal((false, 300), (ended.Moved, ended.TtlSeconds));
        Assert.Equal(["twenty-four", "twenty"], ended.To);

        var drained = Assert.IsType<AgilityDrainReply>(house.Agility.Drain("twenty", undo: false).Reply);
        Assert.Equal(["cdn", "pro"], drained.Policies);
        Assert.Equal(300, drained.TtlSeconds);
        Assert.Equal(("twenty-four", "twenty-four"), (house.Answer("www.example.com"), house.Answer("a150.cdn.example.com")));
        house.Restart();
        house.Pass();
        Assert.Equal("twenty-four", house.Answer("www.example.com"));
        Assert.True(Assert.IsType<AgilityDrainReply>(house.Agility.Drain("twenty", undo: true).Reply).Undone);
        Assert.Equal("twenty", house.Answer("www.example.com"));
    }

    [Fact]
    public void What_is_so_already_changes_nothing()
    {
        house.Pass();
        house.Agility.Move("cdn", "twenty-four");
        house.Agility.Drain("dark", undo: false);
        var state = house.Service.Agility;
        house.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(Assert.IsType<AgilityMoveReply>(house.Agility.Move("cdn", "twenty-four").Reply).Moved);
        Assert.False(Assert.IsType<AgilityMoveReply>(house.Agility.Move("bare", "twenty-four").Reply).Moved);
        Assert.IsType<AgilityDrainReply>(house.Agility.Drain("dark", undo: false).Reply);
        Assert.Same(state, house.Service.Agility);
    }

    [Theory]
    [InlineData("move cdm twenty", ReplyCode.PolicyUnknown, "/etc/softunicast/naming.yaml has no policy 'cdm'; did you mean 'cdn'?")]
    [InlineData("move cdn tweny", ReplyCode.PolicyUnknown, "/etc/softunicast/naming.yaml has no pool 'tweny'; did you mean 'twenty'?")]
    [InlineData("move cdn xxxxxxxxx", ReplyCode.PolicyUnknown, "/etc/softunicast/naming.yaml has no pool 'xxxxxxxxx'; there are: twenty, twenty-four, one, dark, closed")]
    [InlineData("move cdn one", ReplyCode.AgilityRefused, "policy 'cdn' answers AAAA, and pool 'one' has no IPv6 address; choose a pool that has, or add a prefix to it in naming.yaml")]
    [InlineData("move last one", ReplyCode.AgilityRefused, "policy 'last' answers AAAA, and pool 'one' has no IPv6 address; choose a pool that has, or add a prefix to it in naming.yaml")]
    [InlineData("move cdn closed", ReplyCode.AgilityRefused, "pool 'closed' is drained in /etc/softunicast/naming.yaml; take 'drained' out there and reload")]
    [InlineData("move cdn dark", ReplyCode.AgilityRefused, "nothing of pool 'dark' that answers A is announced here: 192.0.2.128/25; announce it first (show prefixes), or list it in also-announced if somebody else does")]
    [InlineData("drain twenty-four, move cdn twenty-four", ReplyCode.AgilityRefused, "with pool 'twenty-four' drained policy 'bare' would have nothing to answer A with, and no default; move the policy to another pool first, or give it a default")]
    [InlineData("move bare one, drain twenty-four, move cdn twenty-four", ReplyCode.AgilityRefused, "pool 'twenty-four' is drained by command; agility undrain twenty-four")]
    [InlineData("move bare one, drain twenty-four, end bare", ReplyCode.AgilityRefused, "without the move policy 'bare' would have nothing to answer A with, and no default; show naming says why nothing of its pools is answered")]
    [InlineData("move bare one, drain one", ReplyCode.AgilityRefused, "with pool 'one' drained policy 'bare' would have nothing to answer A with, and no default; move the policy to another pool first, or give it a default")]
    [InlineData("end cdn", ReplyCode.PolicyUnknown, "policy 'cdn' is not moved; show agility lists the moves")]
    [InlineData("end cdm", ReplyCode.PolicyUnknown, "/etc/softunicast/naming.yaml has no policy 'cdm'; did you mean 'cdn'?")]
    [InlineData("undrain twenty", ReplyCode.PolicyUnknown, "pool 'twenty' is not drained by command; show agility lists what is")]
    [InlineData("undrain tweny", ReplyCode.PolicyUnknown, "/etc/softunicast/naming.yaml has no pool 'tweny'; did you mean 'twenty'?")]
    public void What_would_answer_nothing_is_refused_and_changes_nothing(string commands, ReplyCode code, string message)
    {
        house.Pass();
        foreach (var command in commands.Split(", "))
        {
            var before = house.Service.Agility;
            var reply = command.Split(' ') switch
            {
                ["move", var policy, var pool] => house.Agility.Move(policy, pool).Reply,
                ["end", var policy] => house.Agility.End(policy).Reply,
                [var verb, var pool] => house.Agility.Drain(pool, undo: verb == "undrain").Reply,
                _ => throw new ArgumentException(command),
            };
            if (reply is ErrorReply error)
            {
                Assert.Equal((code, message), (error.Code, $"{error.Error}; {error.Hint}"));
                Assert.Same(before, house.Service.Agility);
                return;
            }
        }

        Assert.Fail("nothing was refused");
    }

    [Theory]
    [InlineData("", "line 1: ")]
    [InlineData("null", "it is empty")]
    [InlineData("{\n\"version\": 1, \"moves\": [}", "line 2: ")]
    [InlineData("""{"version":2,"moves":[],"drains":[]}""", "it is of version 2, and this is 1")]
    [InlineData("""{"version":1,"moves":[],"drains":[],"more":1}""", "line 1: ")]
    [InlineData("""{"version":1,"moves":[]}""", "a move or a drain is not whole")]
    [InlineData("""{"version":1,"moves":[{"policy":"cdn","old":[],"since":"2026-11-22T12:00:00Z","ttl_seconds":30}],"drains":[]}""", "a move or a drain is not whole")]
    [InlineData("""{"version":1,"moves":[null],"drains":[]}""", "a move or a drain is not whole")]
    [InlineData("""{"version":1,"moves":[],"drains":[{"pool":"a","since":"2026-11-22T12:00:00Z"},{"pool":"a","since":"2026-11-22T12:00:00Z"}]}""", "a policy or a pool stands in it twice")]
    public void A_damaged_file_moves_nothing_and_is_left_alone(string content, string reason)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(house.Config.StatePath)!);
        File.WriteAllText(house.Config.StatePath, content);
        var problem = Assert.Single(house.Pass());
        Assert.StartsWith($"nothing is moved or drained: {house.Config.StatePath} is not understood: {reason}", problem, StringComparison.Ordinal);
        Assert.EndsWith("; correct the file, or move it away", problem, StringComparison.Ordinal);
        Assert.Equal("twenty", house.Answer("www.example.com"));

        var error = Assert.IsType<ErrorReply>(house.Agility.Move("cdn", "twenty-four").Reply);
        Assert.Equal((ReplyCode.AgilityNotKept, "correct the file, or move it away"), (error.Code, error.Hint));
        Assert.Equal(content, File.ReadAllText(house.Config.StatePath));

        File.Move(house.Config.StatePath, house.Config.StatePath + ".damaged");
        Assert.Empty(house.Pass());
        Assert.IsType<AgilityMoveReply>(house.Agility.Move("cdn", "twenty-four").Reply);
    }

    [Fact]
    public void A_file_that_is_a_folder_or_too_large_is_not_understood()
    {
        Directory.CreateDirectory(house.Config.StatePath);
        Assert.StartsWith($"nothing is moved or drained: {house.Config.StatePath} is not understood: ", Assert.Single(house.Pass()), StringComparison.Ordinal);
        Directory.Delete(house.Config.StatePath);
        using (var large = File.Create(house.Config.StatePath))
        {
            large.SetLength(5 * 1024 * 1024);
        }

        Assert.Contains("it has 5242880 bytes, 4194304 are read", Assert.Single(house.Pass()), StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_written_down_is_not_done()
    {
        house.Pass();
        house.Agility.Drain("dark", undo: false);
        var text = File.ReadAllText(house.Config.StatePath);
        Directory.CreateDirectory(house.Config.StatePath + ".new");
        Assert.Equal(ReplyCode.AgilityNotKept, house.Agility.Move("cdn", "twenty-four").Reply.Code);
        Directory.Delete(house.Config.StatePath + ".new");
        house.Sync.Fails = true;
        var error = Assert.IsType<ErrorReply>(house.Agility.Move("cdn", "twenty-four").Reply);
        Assert.Equal("nothing is changed: it cannot be written down: fsync: the disk is gone", error.Error);

        Assert.Equal((text, "twenty"), (File.ReadAllText(house.Config.StatePath), house.Answer("www.example.com")));
        house.Restart();
        house.Pass();
        Assert.Equal("twenty", house.Answer("www.example.com"));
    }

    [Fact]
    public void When_dnsdist_cannot_be_told_the_reply_says_so_and_it_is_told_later()
    {
        house.Pass();
        Directory.CreateDirectory(house.StateFile + ".new");
        var moved = Assert.IsType<AgilityMoveReply>(house.Agility.Move("cdn", "twenty-four").Reply);
        Assert.StartsWith("dnsdist answers as before: ", moved.Behind, StringComparison.Ordinal);
        Assert.Equal("twenty-four", house.Answer("www.example.com"));
        var generation = house.Generation();
        Directory.Delete(house.StateFile + ".new");
        Assert.Empty(house.Pass());
        Assert.Equal(generation + 1, house.Generation());
    }

    [Fact]
    public void A_move_or_drain_of_what_is_gone_from_the_file_is_kept_and_told()
    {
        house.Pass();
        house.Agility.Move("cdn", "twenty-four");
        house.Agility.Drain("dark", undo: false);
        house.Of = Rules.Of([Rules.Pool("one", NamingHouse.One)], [], Rules.Policy("other", ["example.org"], ["one"], types: AddressTypes.A));
        Assert.Equal(
            [
                "the move of policy 'cdn' to pool 'twenty-four' is not in force: /etc/softunicast/naming.yaml has no policy 'cdn'; take it back: agility end cdn",
                "the drain of pool 'dark' is not in force: /etc/softunicast/naming.yaml has no pool 'dark'; take it back: agility undrain dark",
            ],
            house.Pass());
        var agility = NamingReports.Agility(house.Service);
        Assert.Equal("/etc/softunicast/naming.yaml has no policy 'cdn'", Assert.Single(agility.Moves).NotApplied);
        Assert.Equal("/etc/softunicast/naming.yaml has no pool 'dark'", Assert.Single(agility.Drained).NotApplied);
        Assert.Equal(2, house.Service.Agility.Moves.Length + house.Service.Agility.Drains.Length);

        Assert.IsType<AgilityMoveReply>(house.Agility.End("cdn").Reply);
        Assert.IsType<AgilityDrainReply>(house.Agility.Drain("dark", undo: true).Reply);
        Assert.Empty(house.Pass());
    }

    [Fact]
    public void Old_addresses_are_free_when_nothing_came_for_long_enough_and_the_TTL_is_over()
    {
        house.Counters = () => counts.ToDictionary();
        Hit("198.18.3.1", 1000);
        house.Pass();
        house.Agility.Move("cdn", "twenty-four");
        house.Agility.Move("pro", "twenty-four");
        Assert.True(house.Service.WantsAddressCounts);
        var row = Row("cdn");
        Assert.Equal((OldAddresses.Draining, 0ul, TimeSpan.FromSeconds(30)), (row.State, row.Hits, row.TtlLeft));
        Assert.Equal(NamingHouse.Prefixes(NamingHouse.Twenty, NamingHouse.Big6), row.Old);
        Assert.Equal(NamingHouse.Prefixes("198.18.0.0/24", "2001:db8:4000::/48"), row.StillAnswered);

        // Hits on what is still answered are not those of old addresses.
        Hit("198.18.3.1", 7);
        Hit("198.18.15.9", 1);
        Hit("198.18.0.9", 500);
        After(4);
        row = Row("cdn");
        Assert.Equal((8ul, 2.0, 2, TimeSpan.Zero), (row.Hits, row.HitsPerSecond, row.AddressesSeen, row.QuietFor));
        Assert.Equal(house.Time.GetUtcNow(), row.LastHit);

        After(28);
        row = Row("cdn");
        Assert.Equal((OldAddresses.Draining, 0.0, 0, TimeSpan.FromSeconds(28), TimeSpan.Zero), (row.State, row.HitsPerSecond, row.AddressesSeen, row.QuietFor, row.TtlLeft));
        After(2);
        Assert.Equal("free: no traffic for 30 s, and the TTL is over", Row("cdn").Progress());

        // The other policy's TTL is longer: it is counted on.
        Assert.Equal((OldAddresses.Draining, true), (Row("pro").State, house.Service.WantsAddressCounts));
        After(300);
        Assert.Equal((OldAddresses.Free, false), (Row("pro").State, house.Service.WantsAddressCounts));
    }

    [Fact]
    public void Where_nobody_counts_only_the_TTL_is_known()
    {
        house.Pass();
        house.Agility.Move("pro", "twenty-four");
        house.Agility.Move("cdn", "twenty-four");
        Assert.Equal("draining: not measured here, this server dispatches nothing; TTL over in 30 s", Row("cdn").Progress());
        After(30);
        Assert.Equal(OldAddresses.Unmeasured, Row("cdn").State);
        Assert.Equal("not known: not measured here, this server dispatches nothing; the TTL is over", Row("cdn").Progress());
    }

    [Fact]
    public void A_move_that_leaves_no_address_is_free_when_the_TTL_is_over()
    {
        house.Pass();
        house.Agility.Move("bare", "twenty");
        Assert.Empty(Row("bare").Old);
        Assert.Equal("draining: every address is still answered; TTL over in 30 s", Row("bare").Progress());
        After(30);
        Assert.Equal(OldAddresses.Free, Row("bare").State);
        Assert.Equal("free: every address is still answered; the TTL is over", Row("bare").Progress());
    }

    [Fact]
    public void A_second_move_leaves_the_pools_of_the_first_behind_too()
    {
        house.Config = house.Config with { AlsoAnnounced = [.. house.Config.AlsoAnnounced, .. NamingHouse.Prefixes("192.0.2.128/25", "2001:db8:6000::/48")] };
        house.Pass();
        house.Agility.Move("cdn", "twenty-four");
        house.Time.Advance(TimeSpan.FromSeconds(60));
        house.Agility.Move("cdn", "dark");
        var row = Row("cdn");
        Assert.Equal(["twenty", "twenty-four"], row.From);
        Assert.Equal((TimeSpan.FromSeconds(30), house.Time.GetUtcNow()), (row.TtlLeft, row.Since));
    }

    [Fact]
    public void After_a_restart_quiet_begins_anew_and_the_TTL_does_not()
    {
        house.Counters = () => counts.ToDictionary();
        house.Pass();
        house.Agility.Move("pro", "twenty-four");
        house.Agility.Move("cdn", "twenty-four");
        After(40);
        Assert.Equal(OldAddresses.Free, Row("cdn").State);
        house.Restart();
        house.Pass();
        var row = Row("cdn");
        Assert.Equal((OldAddresses.Draining, TimeSpan.Zero, TimeSpan.Zero), (row.State, row.TtlLeft, row.QuietFor));
        After(30);
        Assert.Equal(OldAddresses.Free, Row("cdn").State);
    }

    private void Hit(string address, ulong times) =>
        counts[IpAddress.Parse(address)] = counts.GetValueOrDefault(IpAddress.Parse(address)) + times;

    private void After(double seconds)
    {
        house.Time.Advance(TimeSpan.FromSeconds(seconds));
        Assert.Empty(house.Pass());
    }

    private MoveRow Row(string policy) => NamingReports.Agility(house.Service).Moves.Single(m => m.Policy == policy);

    public void Dispose() => house.Dispose();
}
