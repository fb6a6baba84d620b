using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SoftUnicast.Linux.Net;

/// <summary>
/// A table as nft lists it, without what changes by itself (handles, counters): two readings of one table are equal until
/// somebody changes it.
/// </summary>
/// <param name="Entries">
/// Its sets, chains and rules in nft's order, one text each: <c>chain pool-us …</c>, <c>rule in pool-us: …</c>.
/// </param>
public sealed record NftTable(string Name, ImmutableArray<string> Entries)
{
    /// <summary>What <paramref name="now"/> has not, has beyond this or has in another order, a text each; empty if they are equal.</summary>
    public ImmutableArray<string> Differences(NftTable? now)
    {
        if (now is null)
        {
            return [$"table {Name} is gone"];
        }

        var gone = Entries.ToList();
        var added = new List<string>();
        foreach (var entry in now.Entries)
        {
            if (!gone.Remove(entry))
            {
                added.Add(entry);
            }
        }

        return gone.Count + added.Count > 0
            ? [.. gone.Select(e => $"gone: {e}"), .. added.Select(e => $"not ours: {e}")]
            : Entries.SequenceEqual(now.Entries, StringComparer.Ordinal) ? [] : [$"table {Name}: its rules are in another order"];
    }

    public bool Equals(NftTable? other) => other is not null && Name == other.Name && Entries.SequenceEqual(other.Entries, StringComparer.Ordinal);

    public override int GetHashCode() => HashCode.Combine(Name, Entries.Length);

    /// <summary>From what <c>nft -j list table</c> prints (libnftables-json(5)).</summary>
    /// <exception cref="NftablesException">It is something else.</exception>
    internal static NftTable Parse(string name, string json)
    {
        try
        {
            var listed = JsonNode.Parse(json)?["nftables"]?.AsArray() ?? throw new NftablesException($"the listing of table {name} has no 'nftables'");
            return new NftTable(name, [.. listed.Select(Entry).OfType<string>()]);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new NftablesException($"the listing of table {name} does not parse: {e.Message}");
        }
    }

    private static string? Entry(JsonNode? node)
    {
        if (node is not JsonObject { Count: 1 } item || item.First() is not { Value: JsonObject body } pair || pair.Key is "metainfo" or "table")
        {
            return null;
        }

        Strip(body);
        body.Remove("family");
        body.Remove("table");
        if (pair.Key == "rule")
        {
            return $"rule in {body["chain"]}: {body["expr"]?.ToJsonString()}";
        }

        var name = body["name"];
        body.Remove("name");
        return $"{pair.Key} {name} {body.ToJsonString()}";
    }

    private static void Strip(JsonNode? node)
    {
        if (node is JsonArray array)
        {
            foreach (var item in array)
            {
                Strip(item);
            }
        }
        else if (node is JsonObject item)
        {
            item.Remove("handle");
            if (item["counter"] is JsonObject counter)
            {
                counter.Remove("packets");
                counter.Remove("bytes");
            }

            foreach (var (_, value) in item)
            {
                Strip(value);
            }
        }
    }
}
