using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using SoftUnicast.Model;

namespace SoftUnicast.Naming;

/// <summary>A policy that may answer at a place in the tree of names.</summary>
/// <param name="Tags">Attributes of the name and the values that will do.</param>
/// <param name="A">Null: it does not answer this type.</param>
public sealed record NamingCandidate(
    string Policy, ImmutableSortedDictionary<string, ImmutableArray<string>> Tags, NamingChoice? A, NamingChoice? Aaaa)
{
    public NamingChoice? For(AddressTypes type) => type == AddressTypes.Aaaa ? Aaaa : A;
}

/// <summary>
/// The rules as they stand in one state, ready to answer: names to candidates, candidates to what is left of their pools.
/// Immutable, and as large as the rules, however many names they answer for.
/// </summary>
/// <remarks>
/// A name alone comes before a suffix, a longer suffix before a shorter one; at one place more attributes come before fewer, then
/// those for some datacenters before those for all. What does not match leaves the query to the next.
/// </remarks>
public sealed partial class NamingTable
{
    private readonly Dictionary<byte[], ImmutableArray<NamingCandidate>> names;
    private readonly Dictionary<byte[], ImmutableArray<NamingCandidate>> suffixes;
    private readonly Dictionary<byte[], ImmutableArray<NamingCandidate>>.AlternateLookup<ReadOnlySpan<byte>> nameLookup;
    private readonly Dictionary<byte[], ImmutableArray<NamingCandidate>>.AlternateLookup<ReadOnlySpan<byte>> suffixLookup;
    private readonly ImmutableArray<NameAttributes> attributes;
    private readonly IReadOnlyDictionary<IpAddress, long> loads;

    private NamingTable(
        NamingRules rules,
        NamingState state,
        Dictionary<byte[], ImmutableArray<NamingCandidate>> names,
        Dictionary<byte[], ImmutableArray<NamingCandidate>> suffixes)
    {
        (Rules, State) = (rules, state);
        (this.names, this.suffixes) = (names, suffixes);
        (nameLookup, suffixLookup) = (names.GetAlternateLookup<ReadOnlySpan<byte>>(), suffixes.GetAlternateLookup<ReadOnlySpan<byte>>());
        attributes = [.. rules.Attributes.Select(r => new NameAttributes(r))];
        loads = state.Loads;
    }

    public NamingRules Rules { get; }

    public NamingState State { get; }

    /// <summary>Candidates by name in wire form; an empty list: left to the authoritative server.</summary>
    internal IReadOnlyDictionary<byte[], ImmutableArray<NamingCandidate>> Names => names;

    internal IReadOnlyDictionary<byte[], ImmutableArray<NamingCandidate>> Suffixes => suffixes;

    public static NamingTable Build(NamingRules rules, NamingState state)
    {
        ArgumentNullException.ThrowIfNull(rules);
        ArgumentNullException.ThrowIfNull(state);
        var (names, suffixes) = (new Dictionary<byte[], List<NamingPolicy>>(WireComparer.Instance), new Dictionary<byte[], List<NamingPolicy>>(WireComparer.Instance));
        var exceptions = new HashSet<byte[]>(WireComparer.Instance);
        foreach (var policy in rules.Policies)
        {
            if (policy.Match is not { } match || !(match.Datacenters.IsEmpty || match.Datacenters.Contains(state.Datacenter)))
            {
                continue;
            }

            Enter(names, match.Names, policy);
            Enter(suffixes, match.Suffixes, policy);
            exceptions.UnionWith(match.Except.Select(e => DnsName.Parse(e).Wire.ToArray()));
        }

        // Whatever answers for a suffix answers for the name itself, unless a policy is for this name or leaves it alone.
        var choices = new Dictionary<(string, AddressTypes), NamingChoice>();
        NamingChoice? Choice(NamingPolicy policy, AddressTypes type) => !policy.Match!.Types.HasFlag(type) ? null
            : choices.TryGetValue((policy.Name, type), out var known) ? known
            : choices[(policy.Name, type)] = NamingChoice.Of(rules, state, policy, type);
        Dictionary<byte[], ImmutableArray<NamingCandidate>> Candidates(Dictionary<byte[], List<NamingPolicy>> from) => from.ToDictionary(
            e => e.Key,
            e => e.Value.OrderByDescending(p => p.Match!.Tags.Count).ThenBy(p => p.Match!.Datacenters.IsEmpty)
                .Select(p => new NamingCandidate(p.Name, p.Match!.Tags, Choice(p, AddressTypes.A), Choice(p, AddressTypes.Aaaa))).ToImmutableArray(),
            WireComparer.Instance);
        var bySuffix = Candidates(suffixes);
        foreach (var exception in exceptions)
        {
            bySuffix[exception] = [];
        }

        return new NamingTable(rules, state, Candidates(names), bySuffix);
    }

    /// <param name="type">A or AAAA.</param>
    public NamingAnswer Answer(DnsName name, AddressTypes type, Random random) => Answer(name.Wire.Span, type, random);

    /// <param name="name">Wire form in lower case.</param>
    internal NamingAnswer Answer(ReadOnlySpan<byte> name, AddressTypes type, Random random)
    {
        if (Find(name, type) is not { } choice)
        {
            return default;
        }

        switch (choice.Kind)
        {
            case ChoiceKind.Authoritative:
                return default;
            case ChoiceKind.Nothing:
                return new NamingAnswer(AnswerKind.Nothing, default, 0, choice.Policy, null);
            default:
                var (address, pool) = choice.Draw(name, loads, random);
                return new NamingAnswer(AnswerKind.Address, address, choice.TtlSeconds, choice.Policy, pool);
        }
    }

    private NamingChoice? Find(ReadOnlySpan<byte> name, AddressTypes type)
    {
        Dictionary<string, string>? read = null;
        if (names.Count > 0 && nameLookup.TryGetValue(name, out var candidates) && Among(candidates, name, type, ref read) is { } exact)
        {
            return exact;
        }

        for (var at = 0; ; at += name[at] + 1)
        {
            if (suffixLookup.TryGetValue(name[at..], out candidates))
            {
                if (candidates.IsEmpty)
                {
                    return null;
                }

                if (Among(candidates, name, type, ref read) is { } choice)
                {
                    return choice;
                }
            }

            if (name[at] == 0)
            {
                return null;
            }
        }
    }

    private NamingChoice? Among(ImmutableArray<NamingCandidate> candidates, ReadOnlySpan<byte> name, AddressTypes type, ref Dictionary<string, string>? read)
    {
        foreach (var candidate in candidates)
        {
            if (candidate.For(type) is not { } choice)
            {
                continue;
            }

            if (candidate.Tags.IsEmpty)
            {
                return choice;
            }

            read ??= Read(name);
            var all = true;
            foreach (var (tag, values) in candidate.Tags)
            {
                all = all && read.TryGetValue(tag, out var value) && values.Contains(value);
            }

            if (all)
            {
                return choice;
            }
        }

        return null;
    }

    /// <summary>Every prefix whose addresses are compared by load.</summary>
    public IEnumerable<IpPrefix> LeastLoadedPrefixes() => names.Values.Concat(suffixes.Values).SelectMany(c => c)
        .SelectMany(c => new[] { c.A, c.Aaaa })
        .Where(c => c is { Strategy: NamingStrategy.LeastLoaded })
        .SelectMany(c => c!.Prefixes.Select(p => p.Prefix)).Distinct();

    /// <summary>The attributes of a name: what an earlier rule read stays.</summary>
    internal Dictionary<string, string> Read(ReadOnlySpan<byte> name)
    {
        var read = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var rule in attributes)
        {
            rule.Read(name, read);
        }

        return read;
    }

    private static void Enter(Dictionary<byte[], List<NamingPolicy>> into, ImmutableArray<string> texts, NamingPolicy policy)
    {
        foreach (var text in texts)
        {
            var wire = DnsName.Parse(text).Wire.ToArray();
            if (!into.TryGetValue(wire, out var list))
            {
                into.Add(wire, list = []);
            }

            list.Add(policy);
        }
    }

    private sealed class WireComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static WireComparer Instance { get; } = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode([DisallowNull] byte[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = default(HashCode);
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
