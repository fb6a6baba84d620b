using System.Collections.Immutable;
using System.Text;
using SoftUnicast.Model;

namespace SoftUnicast.Naming;

/// <summary>A policy that stands at a place of the query's name and does not answer it.</summary>
/// <param name="Place">The name or suffix that it stands at, as in the file.</param>
public readonly record struct PassedPolicy(string Policy, string Place, string Because);

/// <summary>How a query finds its answer.</summary>
/// <param name="Policy">The policy that matches; null: none does.</param>
/// <param name="Place">The name or suffix by which it does, or the exception that leaves the query alone; null: neither.</param>
/// <param name="IsSuffix">False: it is the name itself.</param>
/// <param name="Attributes">Of the name, ascending.</param>
/// <param name="Passed">Policies that were passed over before, in the order they were looked at.</param>
/// <param name="Choice">What the answer is drawn from; null: no policy matches.</param>
/// <param name="Answer">One draw.</param>
public sealed record NamingTrace(
    string? Policy,
    string? Place,
    bool IsSuffix,
    ImmutableSortedDictionary<string, string> Attributes,
    ImmutableArray<PassedPolicy> Passed,
    NamingChoice? Choice,
    NamingAnswer Answer);

/// <content>What people ask of a table: how an answer comes about. The same walk as for an answer, told as it goes.</content>
public sealed partial class NamingTable
{
    /// <summary>What is left of a policy and its defaults for a type, whether or not it matches any name here.</summary>
    /// <param name="type">A or AAAA.</param>
    public NamingChoice Choice(NamingPolicy policy, AddressTypes type) => NamingChoice.Of(Rules, State, policy, type);

    /// <summary>Policies that answer queries in this state's datacenter.</summary>
    public IEnumerable<NamingPolicy> PoliciesHere() => Rules.Policies.Where(p => p.Match is { } match
        && (match.Datacenters.IsEmpty || match.Datacenters.Contains(State.Datacenter)));

    /// <param name="type">A or AAAA.</param>
    public NamingTrace Trace(DnsName name, AddressTypes type, Random random)
    {
        var wire = name.Wire.Span;
        var read = Read(wire);
        var attributes = read.ToImmutableSortedDictionary(StringComparer.Ordinal);
        var passed = ImmutableArray.CreateBuilder<PassedPolicy>();
        NamingTrace Found(NamingCandidate? candidate, string? place, bool isSuffix, ReadOnlySpan<byte> of) => new(
            candidate?.Policy, place, isSuffix, attributes, passed.ToImmutable(), candidate?.For(type), Answer(of, type, random));

        if (nameLookup.TryGetValue(wire, out var candidates) && Pick(candidates, Text(wire), type, read, passed) is { } exact)
        {
            return Found(exact, Text(wire), false, wire);
        }

        for (var at = 0; ; at += wire[at] + 1)
        {
            if (suffixLookup.TryGetValue(wire[at..], out candidates))
            {
                var place = Text(wire[at..]);
                if (candidates.IsEmpty)
                {
                    return Found(null, place, true, wire);
                }

                if (Pick(candidates, place, type, read, passed) is { } candidate)
                {
                    return Found(candidate, place, true, wire);
                }
            }

            if (wire[at] == 0)
            {
                return Found(null, null, false, wire);
            }
        }
    }

    private static NamingCandidate? Pick(
        ImmutableArray<NamingCandidate> candidates, string place, AddressTypes type, Dictionary<string, string> read, ImmutableArray<PassedPolicy>.Builder passed)
    {
        foreach (var candidate in candidates)
        {
            if (candidate.For(type) is null)
            {
                passed.Add(new PassedPolicy(candidate.Policy, place, $"it does not answer {(type == AddressTypes.Aaaa ? "AAAA" : "A")}"));
            }
            else if (candidate.Tags.FirstOrDefault(t => !read.TryGetValue(t.Key, out var value) || !t.Value.Contains(value)) is { Key: { } tag } wrong)
            {
                var wanted = string.Join(" or ", wrong.Value);
                passed.Add(new PassedPolicy(candidate.Policy, place, read.TryGetValue(tag, out var has)
                    ? $"{tag} is {has}, not {wanted}"
                    : $"the name has no {tag}, and it wants {wanted}"));
            }
            else
            {
                return candidate;
            }
        }

        return null;
    }

    /// <summary>Without the dot at its end, as in the file.</summary>
    private static string Text(ReadOnlySpan<byte> wire)
    {
        var text = new StringBuilder();
        for (var at = 0; wire[at] != 0; at += wire[at] + 1)
        {
            text.Append(text.Length == 0 ? "" : ".").Append(Encoding.Latin1.GetString(wire.Slice(at + 1, wire[at])));
        }

        return text.Length == 0 ? "." : text.ToString();
    }
}
