using SoftUnicast.Control.Replies;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Tests.Support;

/// <summary>The sample replies about names.</summary>
internal static class NamingSamples
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    public static NamingReply Naming { get; } = new(
        "/etc/softunicast/naming.yaml", "ams", [IpPrefix.Parse("198.51.96.0/20"), IpPrefix.Parse("2001:db8:4000::/44")],
        [
            new PolicyRow("cdn", "name www.example.com, suffix cdn.example.com, plan=pro", true, "random", 30, ["twenty*3", "twenty-four"], "one",
                new PolicyAnswers(1, 0, "last"), new PolicyAnswers(1, 0, "nothing")),
            new PolicyRow("rest", "suffix cdn.example.com", true, "hash", 300, ["twenty-four"], null, new PolicyAnswers(1, 1, "rest"), new PolicyAnswers(1, 1, "rest")),
            new PolicyRow("fra", "suffix fra.example.com, A", false, "least-loaded", 30, ["twenty"], null, new PolicyAnswers(1, 0, "authoritative"), null),
            new PolicyRow("last", null, true, "one", 5, ["one"], null, new PolicyAnswers(1, 1, "last"), null),
        ],
        [
            new PoolPrefixRow("twenty", IpPrefix.Parse("198.51.96.0/20"), "drained by command"),
            new PoolPrefixRow("twenty-four", IpPrefix.Parse("198.51.96.0/24"), null),
            new PoolPrefixRow("one", IpPrefix.Parse("203.0.113.1/32"), "not announced here"),
        ],
        new DnsdistReport("/run/softunicast/naming.lua", "/run/softunicast/naming.generation", 4711, Noon),
        new PdnsReport("/run/softunicast/pdns.sock", true, 12, 34567, 34000, 21, 3, 1));

    public static NamingReply NamingAtStart { get; } = Naming with
    {
        Announced = null,
        Dnsdist = new DnsdistReport("/run/softunicast/naming.lua", "/run/softunicast/naming.generation", null, null),
        Pdns = new PdnsReport("/run/softunicast/pdns.sock", false, 0, 0, 0, 0, 0, 0),
    };

    public static QueryReply Query { get; } = new(
        "a100001.cdn.example.com.", "A", "cdn", "suffix", "cdn.example.com", [new NameTag("account", "100001"), new NameTag("plan", "pro")],
        [new PassedOver("vip", "cdn.example.com", "plan is pro, not gold")], "address", "cdn", "random", IpAddress.Parse("198.51.96.7"), "twenty", 30,
        "one draw; another query may get another");

    public static QueryReply QueryForZone { get; } = new(
        "ns1.cdn.example.com.", "AAAA", null, "except", "ns1.cdn.example.com", [], [], "authoritative", null, null, null, null, null,
        "'except' leaves ns1.cdn.example.com, and all below it, to the authoritative server");

    public static QueryReply QueryForNothing { get; } = new(
        "www.example.org.", "A", "cdn", "name", "www.example.org", [], [], "nothing", null, null, null, null, null, "nothing of its pools may be answered");

    public static MoveRow Draining { get; } = new(
        "cdn", ["twenty", "twenty-four"], "one", Noon, null, OldAddresses.Draining, 300, TimeSpan.FromSeconds(270), [IpPrefix.Parse("198.51.96.0/20")],
        [IpPrefix.Parse("198.51.96.0/24")], Noon.AddSeconds(1), 1234, 12.5, 17, Noon.AddSeconds(30), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(300));

    public static AgilityReply Agility { get; } = new("/var/lib/softunicast/naming.json",
        [
            Draining,
            Draining with
            {
                Policy = "free", State = OldAddresses.Free, TtlLeft = TimeSpan.Zero, StillAnswered = [], HitsPerSecond = 0, AddressesSeen = 0, QuietFor = TimeSpan.FromSeconds(412),
            },
            Draining with { Policy = "blind", State = OldAddresses.Unmeasured, TtlLeft = TimeSpan.Zero, MeasuredSince = null, LastHit = null, Hits = 0, StillAnswered = [] },
            Draining with { Policy = "shrunk", Old = [], StillAnswered = [] },
            Draining with { Policy = "gone", NotApplied = "/etc/softunicast/naming.yaml has no policy 'gone'" },
        ],
        [new DrainedPoolRow("twenty", Noon, null), new DrainedPoolRow("old", Noon, "/etc/softunicast/naming.yaml has no pool 'old'")]);

    public static AgilityMoveReply Move { get; } = new("cdn", ["twenty", "twenty-four"], ["one"], true, 300, null);

    public static AgilityDrainReply Drain { get; } = new("twenty", false, ["cdn", "rest"], 300, "dnsdist answers as before: /run/softunicast is full");

    public static IEnumerable<ControlReply> All => [Naming, Query, Agility, Move, Drain];
}
