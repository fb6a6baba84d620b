using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.Reports;
using SoftUnicast.Daemon.Tests.Naming;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.Tests.Reports;

public sealed class NamingReportsTests : IDisposable
{
    private readonly NamingHouse house = new();

    [Fact]
    public void Policies_tell_what_they_match_what_is_left_and_who_answers_instead()
    {
        house.Pass();
        house.Agility.Move("bare", "one");
        house.Agility.Drain("twenty", undo: false);
        var reply = NamingReports.Naming(house.Service);

        Assert.Equal(
            [
                "cdn: suffix example.com; 0 of 1 last, 0 of 1 last",
                "pro: suffix example.com, plan=pro|gold; 1 of 2 pro, 1 of 2 pro",
                "bare: suffix bare.example.net, A; 1 of 1 bare, - to one",
                "fra: suffix fra.example.net, A; 1 of 1 fra, - elsewhere",
                "last: ; 1 of 1 last, 1 of 1 last",
            ],
            reply.Policies.Select(p => $"{p.Policy}: {p.Matches}; {Of(p.A)}, {Of(p.Aaaa)}{(p.MovedTo is null ? "" : $" to {p.MovedTo}")}{(p.Here ? "" : " elsewhere")}"));
        Assert.Equal(
            ["drained by command", null, null, "not announced here", "drained in the file"],
            reply.Pools.Where(p => !p.Prefix.IsIPv6).Select(p => p.NotAnswered));
        Assert.Equal("! last", reply.Policies[0].FallsBackTo);
        Assert.Equal((house.Generation(), house.Config.PdnsSocketPath, true), (reply.Dnsdist.Generation!.Value, reply.Pdns!.Socket, reply.Pdns.Listens));
    }

    [Theory]
    [InlineData("www.example.com", AddressTypes.A, "cdn", "suffix", "example.com", "address", "one draw; another query may get another")]
    [InlineData("A150.cdn.example.com.", AddressTypes.Aaaa, "pro", "suffix", "example.com", "address", "the hash of the name, the same on every server")]
    [InlineData("x.ns1.example.com", AddressTypes.A, null, "except", "ns1.example.com", "authoritative", "'except' leaves ns1.example.com, and all below it, to the authoritative server")]
    [InlineData("bare.example.net", AddressTypes.Aaaa, null, null, null, "authoritative", "no policy answers this name and type here")]
    [InlineData("fra.example.net", AddressTypes.A, null, null, null, "authoritative", "no policy answers this name and type here")]
    public void A_query_is_traced(string name, AddressTypes type, string? policy, string? by, string? place, string answer, string because)
    {
        house.Pass();
        var reply = NamingReports.Query(house.Service, new TraceQuery(name, type), new Random(1));
        Assert.Equal((policy, by, place, answer, because), (reply.Policy, reply.MatchedBy, reply.Place, reply.Answer, reply.Because));
    }

    [Fact]
    public void A_trace_tells_attributes_policies_passed_over_and_defaults()
    {
        house.Pass();
        house.Agility.Drain("twenty", undo: false);
        var reply = NamingReports.Query(house.Service, new TraceQuery("a50.cdn.example.com", AddressTypes.A), new Random(1));
        Assert.Equal(["account=50", "plan=free"], reply.Attributes.Select(a => $"{a.Name}={a.Value}"));
        Assert.Equal([new PassedOver("pro", "example.com", "plan is free, not pro or gold")], reply.Passed);
        Assert.Equal(("cdn", "last", "one", 5, "twenty-four", IpAddress.Parse("198.18.0.0")),
            (reply.Policy, reply.AnsweredBy, reply.Strategy, reply.TtlSeconds!.Value, reply.Pool, reply.Address!.Value));
        Assert.Equal("nothing of policy cdn may be answered, so its default last does: the first address that may be answered", reply.Because);

        house.Service.StopAnswering();
        reply = NamingReports.Query(house.Service, new TraceQuery("a50.cdn.example.com", AddressTypes.A), new Random(1));
        Assert.Equal(("cdn", "nothing", "nothing of its pools may be answered, nor of its defaults: show naming says why"), (reply.Policy, reply.Answer, reply.Because));
        reply = NamingReports.Query(house.Service, new TraceQuery("a150.cdn.example.com", AddressTypes.A), new Random(1));
        Assert.Equal(("pro", "authoritative", "nothing of its pools may be answered, and its default is authoritative"), (reply.Policy, reply.Answer, reply.Because));
        reply = NamingReports.Query(house.Service, new TraceQuery("www.example.com", AddressTypes.A), new Random(1));
        Assert.Equal([new PassedOver("pro", "example.com", "the name has no plan, and it wants pro or gold")], reply.Passed);
    }

    private static string Of(PolicyAnswers? answers) => answers is null ? "-" : $"{answers.Answered} of {answers.Prefixes} {answers.By}";

    public void Dispose() => house.Dispose();
}
