using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using SoftUnicast.Model;

namespace SoftUnicast.Naming;

/// <summary>Where dnsdist finds the policies: two files that the daemon writes.</summary>
/// <param name="StatePath">The policies as Lua data, replaced by rename.</param>
/// <param name="GenerationPath">Four bytes that change after it, written in place: dnsdist has them mapped.</param>
public sealed record DnsdistFiles(string StatePath, string GenerationPath)
{
    /// <summary>Both files in one folder, as <see cref="DnsdistStateWriter"/> writes them.</summary>
    public static DnsdistFiles In(string folder) => new(Path.Combine(folder, "naming.lua"), Path.Combine(folder, "naming.generation"));
}

/// <summary>dnsdist's side of the naming policies, as text (Debian's dnsdist 1.7 and later, with LuaJIT).</summary>
public static class DnsdistConfig
{
    /// <summary>
    /// What the operator includes in dnsdist's configuration: one rule that answers queries for addresses by policy and lets
    /// everything else pass to the servers that the configuration names. It never changes with the policies.
    /// </summary>
    public static string Generate(DnsdistFiles files)
    {
        ArgumentNullException.ThrowIfNull(files);
        using var source = typeof(DnsdistConfig).Assembly.GetManifestResourceStream("answer.lua")!;
        using var reader = new StreamReader(source);
        var action = reader.ReadToEnd()
            .Replace("@STATE@", LuaText.Quoted(files.StatePath), StringComparison.Ordinal)
            .Replace("@GENERATION@", LuaText.Quoted(files.GenerationPath), StringComparison.Ordinal);
        return $"""
            -- Made by 'softunicastc naming dnsdist-config'. Include it in dnsdist.conf after newServer(...):
            --   dofile("/etc/dnsdist/softunicast.lua")
            -- Queries for addresses of names that a policy matches are answered here; everything else goes to the servers.
            addAction(AndRule({"{"}QClassRule(DNSClass.IN), OrRule({"{"}QTypeRule(DNSQType.A), QTypeRule(DNSQType.AAAA){"}"}){"}"}), LuaFFIPerThreadAction([==[
            {action}]==]))

            """;
    }

    /// <summary>The policies in one state: the content of <see cref="DnsdistFiles.StatePath"/>.</summary>
    public static string State(NamingTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        var text = new StringBuilder("return {\nformat = 2,\n");
        var choices = Choices(table);
        var candidates = new Dictionary<string, int>(StringComparer.Ordinal);
        text.Append("names = {\n");
        Places(text, table.Names, choices, candidates);
        text.Append("},\nsuffixes = {\n");
        Places(text, table.Suffixes, choices, candidates);
        text.Append("},\ncandidates = {\n").AppendJoin(",\n", candidates.OrderBy(c => c.Value).Select(c => c.Key));
        text.Append("\n},\nlengths = { ");
        foreach (var length in table.Suffixes.Keys.Select(k => k.Length).Distinct().Order())
        {
            text.Append(CultureInfo.InvariantCulture, $"[{length}] = true, ");
        }

        text.Append("},\nattributes = {\n");
        var tagSets = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var rule in table.Rules.Attributes)
        {
            Attributes(text, rule, tagSets);
        }

        text.Append("},\n");
        Loads(text, table);

        // Choices stand before the places that share them; a table, for Lua lets a function have only 200 locals.
        var head = new StringBuilder("local c = {}\n");
        text.Append("tags = {\n").AppendJoin(",\n", tagSets.OrderBy(t => t.Value).Select(t => t.Key)).Append("\n},\n}\n");
        foreach (var (choice, index) in choices)
        {
            Choice(head, choice, index);
        }

        return head.Append(text).ToString();
    }

    private static Dictionary<NamingChoice, int> Choices(NamingTable table)
    {
        var choices = new Dictionary<NamingChoice, int>(ReferenceEqualityComparer.Instance);
        foreach (var candidate in table.Names.Values.Concat(table.Suffixes.Values).SelectMany(c => c))
        {
            foreach (var choice in new[] { candidate.A, candidate.Aaaa })
            {
                if (choice is not null)
                {
                    choices.TryAdd(choice, choices.Count + 1);
                }
            }
        }

        return choices;
    }

    private static void Choice(StringBuilder text, NamingChoice choice, int index)
    {
        text.Append(CultureInfo.InvariantCulture, $"c[{index}] = ");
        switch (choice.Kind)
        {
            case ChoiceKind.Authoritative:
                text.Append("{ authoritative = true }\n");
                return;
            case ChoiceKind.Nothing:
                text.Append("{ nothing = true }\n");
                return;
        }

        var strategy = choice.Strategy switch
        {
            NamingStrategy.Hash => "hash",
            NamingStrategy.One => "one",
            NamingStrategy.LeastLoaded => "least",
            _ => "random",
        };
        text.Append(CultureInfo.InvariantCulture, $"{{ strategy = \"{strategy}\", ttl = {choice.TtlSeconds}, prefixes = {{\n");
        foreach (var prefix in choice.Prefixes)
        {
            text.Append("\t{ ");
            var words = prefix.Prefix.IsIPv6 ? 4 : 1;
            for (var word = 0; word < words; word++)
            {
                // Bits of this word that belong to the host.
                var hostBits = Math.Clamp(((word + 1) * 32) - prefix.Prefix.Length, 0, 32);
                var network = (uint)(prefix.Prefix.Network.Value >> (32 * (words - 1 - word)));
                text.Append(CultureInfo.InvariantCulture, $"{network}, {1L << hostBits}, ");
            }

            text.Append(CultureInfo.InvariantCulture, $"till = {prefix.Until:R}, up = {(prefix.IsUp ? "true" : "false")} }}, -- {prefix.Prefix} of {prefix.Pool}\n");
        }

        text.Append("} }\n");
    }

    /// <summary>
    /// Names, and the number of what they have among all that differ: names are many, and most share a policy. (Lua lets a function have
    /// 65,536 constants; a table of nothing but constants is one, while each name beside something computed would be another.)
    /// </summary>
    private static void Places(
        StringBuilder text,
        IReadOnlyDictionary<byte[], ImmutableArray<NamingCandidate>> places,
        Dictionary<NamingChoice, int> choices,
        Dictionary<string, int> known)
    {
        foreach (var (wire, candidates) in places.OrderBy(p => Convert.ToHexString(p.Key), StringComparer.Ordinal))
        {
            var written = Candidates(candidates, choices);
            if (!known.TryGetValue(written, out var number))
            {
                known.Add(written, number = known.Count + 1);
            }

            text.Append('[').Append(LuaText.Quoted(wire)).Append(CultureInfo.InvariantCulture, $"] = {number},\n");
        }
    }

    private static string Candidates(ImmutableArray<NamingCandidate> candidates, Dictionary<NamingChoice, int> choices)
    {
        var text = new StringBuilder("{");
        foreach (var candidate in candidates)
        {
            text.Append(" {");
            if (candidate.A is { } a)
            {
                text.Append(CultureInfo.InvariantCulture, $" a = c[{choices[a]}],");
            }

            if (candidate.Aaaa is { } aaaa)
            {
                text.Append(CultureInfo.InvariantCulture, $" aaaa = c[{choices[aaaa]}],");
            }

            if (!candidate.Tags.IsEmpty)
            {
                text.Append(" tags = {");
                foreach (var (tag, values) in candidate.Tags)
                {
                    text.Append(" [").Append(LuaText.Quoted(tag)).Append("] = {");
                    text.AppendJoin(',', values.Select(v => $" [{LuaText.Quoted(v)}] = true")).Append(" },");
                }

                text.Append(" },");
            }

            text.Append(" },");
        }

        return text.Append(" }").ToString();
    }

    private static void Attributes(StringBuilder text, AttributeRule rule, Dictionary<string, int> tagSets)
    {
        text.Append("{ ");
        foreach (var label in rule.Labels)
        {
            text.Append(label.IsAny ? "{ any = true }, " : $"{{ before = {LuaText.Quoted(label.Before)}, after = {LuaText.Quoted(label.After)}, attribute = {(label.Attribute is null ? "nil" : LuaText.Quoted(label.Attribute))} }}, ");
        }

        text.Append("suffix = ").Append(LuaText.Quoted(DnsName.Parse(rule.Suffix.Length == 0 ? "." : rule.Suffix).Wire.Span));
        if (rule.Key is not null)
        {
            text.Append(", key = ").Append(LuaText.Quoted(rule.Key));
        }

        text.Append(",\nvalues = {");
        foreach (var row in rule.Rows.Where(r => r.First is null))
        {
            text.Append(CultureInfo.InvariantCulture, $" [{LuaText.Quoted(row.Value!)}] = {TagSet(row, tagSets)},");
        }

        var ranges = rule.Rows.Where(r => r.First is not null).OrderBy(r => r.First).ToArray();
        text.Append(" },\nfirsts = { ").AppendJoin(", ", ranges.Select(r => r.First));
        text.Append(" },\nlasts = { ").AppendJoin(", ", ranges.Select(r => r.Last));
        text.Append(" },\nsets = { ").AppendJoin(", ", ranges.Select(r => TagSet(r, tagSets))).Append(" } },\n");
    }

    /// <summary>
    /// The number of a row's tags among all that differ: rows are many and what they say is little. (Lua lets a file have 65,536
    /// constants; a table of numbers is one, each table of tags would be another.)
    /// </summary>
    private static int TagSet(AttributeRow row, Dictionary<string, int> tagSets)
    {
        var text = $"{{ {string.Join(", ", row.Tags.Select(t => $"[{LuaText.Quoted(t.Key)}] = {LuaText.Quoted(t.Value)}"))} }}";
        return tagSets.TryGetValue(text, out var known) ? known : tagSets[text] = tagSets.Count + 1;
    }

    /// <summary>Loads of addresses that a choice by load draws from: no other is ever asked for.</summary>
    private static void Loads(StringBuilder text, NamingTable table)
    {
        var prefixes = table.LeastLoadedPrefixes().ToArray();
        var loads = table.State.Loads.Where(l => l.Value > 0 && prefixes.Any(p => p.Contains(l.Key))).OrderBy(l => l.Key).ToArray();
        text.Append("loads = {");
        foreach (var (address, load) in loads.Where(l => !l.Key.IsIPv6))
        {
            text.Append(CultureInfo.InvariantCulture, $" [{address.ToUInt32()}] = {load},");
        }

        text.Append(" },\nloads6 = {");
        foreach (var (address, load) in loads.Where(l => l.Key.IsIPv6))
        {
            text.Append(CultureInfo.InvariantCulture, $" [\"{address.Value:x32}\"] = {load},");
        }

        text.Append(" },\n");
    }
}
