using System.Collections.Immutable;
using System.Text.Json.Serialization;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Replies;

/// <summary>What a policy answers one address type with, now.</summary>
/// <param name="Prefixes">Of its pools, or of the pool that it is moved to.</param>
/// <param name="Answered">Of them, those that may be answered.</param>
/// <param name="By">Who answers: its own name; a default's name; <c>authoritative</c>; <c>nothing</c>, which is SERVFAIL.</param>
public sealed record PolicyAnswers(int Prefixes, int Answered, string By);

/// <summary>A policy of naming.yaml.</summary>
/// <param name="Matches">In short; null: it answers only as a default.</param>
/// <param name="Here">False: it is for other datacenters.</param>
/// <param name="Pools">With their shares, where they are not 1: <c>twenty*3</c>.</param>
/// <param name="MovedTo">The pool that it answers from instead; null: it is not moved.</param>
/// <param name="A">Null: it does not answer this type.</param>
public sealed record PolicyRow(
    string Policy, string? Matches, bool Here, string Strategy, int TtlSeconds, ImmutableArray<string> Pools, string? MovedTo, PolicyAnswers? A, PolicyAnswers? Aaaa)
{
    /// <summary>Who answers in its place, and for which type; null: it does itself.</summary>
    [JsonIgnore]
    public string? FallsBackTo
    {
        get
        {
            string?[] others = [.. new[] { A, Aaaa }.Select(a => a is null || a.By == Policy ? null : a.By == "nothing" ? "! nothing: SERVFAIL" : $"! {a.By}")];
            return (others[0], others[1]) switch
            {
                (null, null) => null,
                var (a, aaaa) when a == aaaa => a,
                ({ } a, null) => Aaaa is null ? a : $"{a} (A)",
                (null, { } aaaa) => A is null ? aaaa : $"{aaaa} (AAAA)",
                var (a, aaaa) => $"{a} (A), {aaaa} (AAAA)",
            };
        }
    }
}

/// <summary>A prefix of a pool of naming.yaml.</summary>
/// <param name="NotAnswered">Why it is not answered; null: it is, if a policy answers from its pool.</param>
public sealed record PoolPrefixRow(string Pool, IpPrefix Prefix, string? NotAnswered);

/// <summary>The files for dnsdist.</summary>
/// <param name="Generation">The number that dnsdist looks at; null: nothing is written yet.</param>
public sealed record DnsdistReport(string StateFile, string GenerationFile, uint? Generation, DateTimeOffset? Written);

/// <summary>The socket for PowerDNS's remote backend, and what came over it since it was opened.</summary>
/// <param name="Listens">False: the problems of <c>show status</c> say why.</param>
/// <param name="Connections">Open now.</param>
/// <param name="Nothing">Requests that a policy had nothing left for.</param>
/// <param name="Refused">Connections beyond the limit.</param>
public sealed record PdnsReport(string Socket, bool Listens, int Connections, long Requests, long Records, long Nothing, long Malformed, long Refused);

/// <summary><c>show naming</c>.</summary>
/// <param name="Announced">What counts as announced here; null: nobody looks.</param>
/// <param name="Pdns">Null: there is no such socket.</param>
public sealed record NamingReply(
    string File,
    string Datacenter,
    ImmutableArray<IpPrefix>? Announced,
    ImmutableArray<PolicyRow> Policies,
    ImmutableArray<PoolPrefixRow> Pools,
    DnsdistReport Dnsdist,
    PdnsReport? Pdns) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Naming;

    public override IEnumerable<string> Lines()
    {
        yield return $"{File} in {Datacenter}; "
            + (Announced is not { } announced ? "what is announced here is not looked at" : announced.IsEmpty ? "nothing is announced here" : $"announced here: {string.Join(", ", announced)}");
        var policies = new TextTable<PolicyRow>(Policies)
            .Left("policy", p => p.Policy)
            .Left("matches", p => p.Matches is null ? "(a default)" : p.Here ? p.Matches : $"{p.Matches} (not here)")
            .Left("strategy", p => p.Strategy)
            .Right("ttl", p => Units.Count(p.TtlSeconds))
            .Left("pools", p => string.Join(' ', p.Pools))
            .Left("moved to", p => p.MovedTo)
            .Left("a", p => Of(p.A))
            .Left("aaaa", p => Of(p.Aaaa))
            .Left("answered by", p => p.FallsBackTo);
        var pools = new TextTable<PoolPrefixRow>(Pools)
            .Left("pool", p => p.Pool)
            .Left("prefix", p => p.Prefix.ToString())
            .Left("not answered", p => p.NotAnswered is null ? null : $"! {p.NotAnswered}");
        foreach (var line in policies.Lines().Append("").Concat(pools.Lines()).Append(""))
        {
            yield return line;
        }

        yield return Dnsdist is { Generation: { } generation, Written: { } written }
            ? $"dnsdist   {Dnsdist.StateFile} of {Units.Time(written)}; {Dnsdist.GenerationFile} is {generation}"
            : $"dnsdist   ! {Dnsdist.StateFile} is not written yet";
        if (Pdns is { } pdns)
        {
            yield return pdns.Listens
                ? $"powerdns  {pdns.Socket}: {Units.Of(pdns.Connections, "connection")}, {Units.Of(pdns.Requests, "request")}, {pdns.Records} with records, "
                    + $"{pdns.Nothing} with nothing left, {pdns.Malformed} malformed; {Units.Of(pdns.Refused, "connection")} refused"
                : $"powerdns  ! {pdns.Socket} is not open; show status says why";
        }
    }

    private static string? Of(PolicyAnswers? answers) => answers is null ? null : $"{answers.Answered} of {answers.Prefixes}";
}
