using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>
/// Writes an assignment: pools by name, addresses and blocks ascending, servers by their first slice, one a line.
/// </summary>
internal sealed class AssignmentWriter(Fleet? fleet)
{
    // Words that some YAML readers take for something else than the name they are.
    private static readonly string[] YamlWords = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    private readonly StringBuilder text = new();

    public string Write(Assignment assignment)
    {
        if (assignment.Generation < 0)
        {
            throw new ArgumentException($"a generation is not negative: {assignment.Generation}", nameof(assignment));
        }

        text.Append("# Who owns what. Made by 'softunicastc plan'; the same on every server.\n");
        Line(0, $"assignment:\n  generation: {assignment.Generation}");
        Line(0, assignment.Pools.IsEmpty ? "pools: {}" : "pools:");
        string? previous = null;
        foreach (var pool in assignment.Pools)
        {
            if (previous is not null && string.CompareOrdinal(previous, pool.Pool) >= 0)
            {
                throw new ArgumentException($"pool '{pool.Pool}' stands after '{previous}'", nameof(assignment));
            }

            previous = pool.Pool;
            WritePool(pool);
        }

        return text.ToString();
    }

    private void WritePool(PoolAssignment pool)
    {
        Ascending(pool.Pool, pool.Blocks.Select(b => b.Block));
        Ascending(pool.Pool, pool.Slices.Select(s => s.Slice));
        Ascending(pool.Pool, pool.Quarantined.Select(q => q.Slice));
        var known = fleet?.PoolNamed(pool.Pool);
        var comment = known is null ? "" : $" # {string.Join(", ", known.Tags.Select(t => $"{t.Key} {t.Value}").Prepend(known.Prefix.ToString()))}";
        Line(2, $"{Name(pool.Pool)}:{comment}");
        Line(4, $"slice-size: {pool.SliceSize}");
        Line(4, pool.Blocks.IsEmpty ? "addresses: {}" : "addresses:");
        var written = 0;
        foreach (var address in pool.Blocks.GroupBy(b => b.Block.Address))
        {
            Line(6, $"{Address(address.Key)}:");
            foreach (var datacenter in address.GroupBy(b => b.Datacenter))
            {
                WriteDatacenter(pool, datacenter.Key, [.. datacenter], ref written);
            }
        }

        if (written != pool.Slices.Length)
        {
            throw new ArgumentException($"pool '{pool.Pool}' has slices that lie in no block, or blocks that overlap", nameof(pool));
        }

        if (!pool.Quarantined.IsEmpty)
        {
            Line(4, "quarantined:");
            foreach (var (slice, server, until) in pool.Quarantined)
            {
                Line(6, $"- {{ slice: \"{slice}\", server: {Name(server)}, until: {until.UtcDateTime.ToString(QuarantineReader.TimeFormat, CultureInfo.InvariantCulture)} }}");
            }
        }
    }

    private void WriteDatacenter(PoolAssignment pool, string datacenter, List<OwnedBlock> blocks, ref int written)
    {
        Line(8, $"{Name(datacenter)}:");
        foreach (var (block, _) in blocks)
        {
            var slices = SlicesIn(pool.Slices, block);
            written += slices.Length;
            var (first, indent) = blocks.Count == 1 ? ("", 10) : ("- ", 12);
            Line(10, $"{first}ports: {block.Ports}");
            if (slices.IsEmpty)
            {
                continue;
            }

            Line(indent, "servers:");
            foreach (var server in slices.GroupBy(s => s.Server))
            {
                Line(indent + 2, $"{Name(server.Key)}: [{string.Join(", ", server.Select(s => s.Slice.Ports))}]");
            }
        }
    }

    private static ImmutableArray<OwnedSlice> SlicesIn(ImmutableArray<OwnedSlice> slices, AddressPorts block)
    {
        int low = 0, high = slices.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = slices[middle].Slice < new AddressPorts(block.Address, new PortRange(block.Ports.First, block.Ports.First)) ? (middle + 1, high) : (low, middle);
        }

        var end = low;
        while (end < slices.Length && block.Contains(slices[end].Slice))
        {
            end++;
        }

        return slices[low..end];
    }

    private static void Ascending(string pool, IEnumerable<AddressPorts> ranges)
    {
        AddressPorts? previous = null;
        foreach (var range in ranges)
        {
            if (previous is { } before && (before >= range || before.Overlaps(range)))
            {
                throw new ArgumentException($"pool '{pool}': {range} stands after {before}", nameof(ranges));
            }

            previous = range;
        }
    }

    private static string Name(string name) => !Values.IsName(name)
        ? throw new ArgumentException($"'{name}' is no name", nameof(name))
        : YamlWords.Contains(name) ? $"\"{name}\"" : name;

    private static string Address(IpAddress address) => address.IsIPv6 ? $"\"{address}\"" : address.ToString();

    private void Line(int indent, FormattableString line) => Line(indent, FormattableString.Invariant(line));

    private void Line(int indent, string line) => text.Append(' ', indent).Append(line).Append('\n');
}
