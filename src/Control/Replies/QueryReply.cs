using System.Collections.Immutable;
using System.Text.Json.Serialization;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Replies;

/// <summary>What a name says by itself.</summary>
public sealed record NameTag(string Name, string Value);

/// <summary>A policy that was looked at and does not answer.</summary>
/// <param name="Place">The name or suffix that it stands at.</param>
public sealed record PassedOver(string Policy, string Place, string Because);

/// <summary><c>trace query</c>.</summary>
/// <param name="Name">With a dot at its end.</param>
/// <param name="Type">A or AAAA.</param>
/// <param name="Policy">The policy that matches; null: none does.</param>
/// <param name="MatchedBy"><c>name</c>, <c>suffix</c>, <c>except</c>; null: nothing matches.</param>
/// <param name="Place">The name, suffix or exception that does.</param>
/// <param name="Answer"><c>address</c>, <c>authoritative</c>, <c>nothing</c> (SERVFAIL).</param>
/// <param name="AnsweredBy">The policy whose answer it is: the one that matches, or one of its defaults; null: no policy's.</param>
/// <param name="Address">One draw; null unless the answer is an address, like what follows.</param>
/// <param name="Because">Why it is answered so.</param>
public sealed record QueryReply(
    string Name,
    string Type,
    string? Policy,
    string? MatchedBy,
    string? Place,
    ImmutableArray<NameTag> Attributes,
    ImmutableArray<PassedOver> Passed,
    string Answer,
    string? AnsweredBy,
    string? Strategy,
    IpAddress? Address,
    string? Pool,
    int? TtlSeconds,
    string Because) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Query;

    public override IEnumerable<string> Lines()
    {
        yield return $"query       {Name} {Type}";
        if (Attributes.Length > 0)
        {
            yield return $"attributes  {string.Join(' ', Attributes.Select(a => $"{a.Name}={a.Value}"))}";
        }

        foreach (var passed in Passed)
        {
            yield return $"passed      policy {passed.Policy} at {passed.Place}: {passed.Because}";
        }

        yield return Policy is not null
            ? $"matches     policy {Policy}, by {MatchedBy} {Place}"
            : Place is not null ? $"matches     no policy: {Place} is left out" : "matches     no policy";
        yield return Answer switch
        {
            "address" => $"answer      {Address} for {TtlSeconds} s, of pool {Pool}",
            "nothing" => "answer      ! SERVFAIL",
            _ => "answer      the authoritative server's",
        };
        yield return $"because     {Because}";
    }
}
