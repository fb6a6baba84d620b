using System.Numerics;
using System.Runtime.InteropServices;
using SoftUnicast.Dispatch.Abi;
using SoftUnicast.Model;

namespace SoftUnicast.Dispatch;

/// <summary>A table as <c>struct su_dispatch_half</c> has it. Entry 0 of <see cref="Classes"/> is unused.</summary>
public sealed class DispatchImage
{
    /// <summary>By port; 0: no binding but those of any port.</summary>
    public ushort[] TcpClasses { get; } = new ushort[DispatchLimits.Ports];

    public ushort[] UdpClasses { get; } = new ushort[DispatchLimits.Ports];

    /// <summary>TCP's, UDP's.</summary>
    public ushort[] AnyPortClasses { get; } = new ushort[2];

    public IReadOnlyList<SuDispatchClass> Classes => ClassList;

    public IReadOnlyList<SuDispatchV4> V4 => V4List;

    public IReadOnlyList<SuDispatchV6> V6 => V6List;

    /// <summary>By bucket, the first and the last range that have addresses in it; counted from the class's first, the last in the upper half.</summary>
    public ReadOnlySpan<uint> V4IndexSpan => CollectionsMarshal.AsSpan(V4Index);

    internal List<SuDispatchClass> ClassList { get; } = [default];

    internal List<SuDispatchV4> V4List { get; } = [];

    internal List<SuDispatchV6> V6List { get; } = [];

    internal List<uint> V4Index { get; } = [];

    /// <summary>The bindings of each class: index in the lower half, target in the upper.</summary>
    public ReadOnlySpan<uint> ClassBindingsSpan => CollectionsMarshal.AsSpan(ClassBindings);

    internal List<uint> ClassBindings { get; } = [];

    public ReadOnlySpan<SuDispatchClass> ClassSpan => CollectionsMarshal.AsSpan(ClassList);

    public ReadOnlySpan<SuDispatchV4> V4Span => CollectionsMarshal.AsSpan(V4List);

    public ReadOnlySpan<SuDispatchV6> V6Span => CollectionsMarshal.AsSpan(V6List);

    /// <summary>What the program finds: the binding's index, 0 for none. As it does it, step by step.</summary>
    public int Find(DispatchProtocol protocol, IpAddress address, ushort port)
    {
        var ports = protocol == DispatchProtocol.Udp ? UdpClasses : TcpClasses;
        var match = FindIn(ports[port], address);
        var wide = FindIn(AnyPortClasses[protocol == DispatchProtocol.Udp ? 1 : 0], address);
        return match.Binding == 0 || wide.Bits > match.Bits ? wide.Binding : match.Binding;
    }

    private (int Binding, int Bits) FindIn(ushort index, IpAddress address)
    {
        var entry = ClassList[index];
        var (first, count) = address.IsIPv6 ? (entry.V6First, entry.V6Count) : (entry.V4First, entry.V4Count);
        if (count == 0)
        {
            return default;
        }

        if (!address.IsIPv6 && entry.V4BucketBits > 0)
        {
            if (address.Value < entry.V4Base)
            {
                return default;
            }

            var bucket = Math.Min((address.ToUInt32() - entry.V4Base) >> entry.V4Shift, (1u << entry.V4BucketBits) - 1);
            var pair = V4Index[(int)(entry.V4IndexFirst + bucket)];
            var (low, high) = (pair & ushort.MaxValue, pair >> 16);
            (first, count) = (first + low, high - low + 1);
        }

        while (count > 1)
        {
            var step = count / 2;
            if (Start(address.IsIPv6, (int)(first + step)) <= address.Value)
            {
                first += step;
            }

            count -= step;
        }

        var (which, bits) = address.IsIPv6
            ? (V6List[(int)first].Which, V6List[(int)first].PrefixBits)
            : (V4List[(int)first].Which, V4List[(int)first].PrefixBits);
        return which == 0 ? default : ((int)(ClassBindings[(int)entry.BindingsFirst + which - 1] & ushort.MaxValue), bits);
    }

    private UInt128 Start(bool isIPv6, int index) => isIPv6
        ? new UInt128(V6List[index].StartHigh, V6List[index].StartLow)
        : V4List[index].Start;
}

/// <summary>An image, or why the kernel's tables cannot hold it.</summary>
public sealed record CompileResult(DispatchImage? Image, string? Refusal);

/// <summary>
/// Makes of a table what the kernel reads. Ports with the same bindings share a class. A class holds, for each prefix, the binding
/// with the narrowest range, and these as ranges of addresses that do not overlap, so that one search finds the longest prefix: by an index first, then by halves.
/// Classes with the same prefixes, which is what a service on many ports makes, share the ranges.
/// </summary>
public static class DispatchCompiler
{
    /// <param name="indexes">Each binding's index in the kernel's table of bindings, from 1.</param>
    /// <param name="targetOf">Where the sockets of its label, protocol and family are.</param>
    public static CompileResult Compile(BindingTable table, IReadOnlyDictionary<Binding, ushort> indexes, Func<Binding, ushort> targetOf)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(indexes);
        ArgumentNullException.ThrowIfNull(targetOf);
        var work = new Work(indexes, targetOf);
        work.AddProtocol(table.Bindings.Where(b => b.Protocol == DispatchProtocol.Tcp), work.Image.TcpClasses, 0);
        work.AddProtocol(table.Bindings.Where(b => b.Protocol == DispatchProtocol.Udp), work.Image.UdpClasses, 1);
        return work.Refusal is null ? new CompileResult(work.Image, null) : new CompileResult(null, work.Refusal);
    }

    private sealed class Work(IReadOnlyDictionary<Binding, ushort> indexes, Func<Binding, ushort> targetOf)
    {
        private const int FewRanges = 4;
        private readonly Dictionary<int, List<(int[] Bindings, ushort Class)>> known = [];
        private readonly Dictionary<int, List<(IpPrefix[] Prefixes, SuDispatchClass Ranges)>> shapes = [];

        public DispatchImage Image { get; } = new();

        public string? Refusal { get; private set; }

        public void AddProtocol(IEnumerable<Binding> bindings, ushort[] byPort, int protocol)
        {
            Binding[] all = [.. bindings]; // by prefix, and the narrower range of a prefix first
            var any = Enumerable.Range(0, all.Length).Where(i => all[i].IsAnyPort).ToArray();
            Image.AnyPortClasses[protocol] = ClassOf(all, any);

            var narrow = Enumerable.Range(0, all.Length).Where(i => !all[i].IsAnyPort).ToList();
            var starts = narrow.ToLookup(i => (int)all[i].Ports.First);
            var ends = narrow.ToLookup(i => all[i].Ports.Last + 1);
            int[] borders = [.. starts.Select(g => g.Key).Concat(ends.Select(g => g.Key)).Distinct().Order()];
            var active = new SortedSet<int>();
            for (var i = 0; i < borders.Length && Refusal is null; i++)
            {
                active.ExceptWith(ends[borders[i]]);
                active.UnionWith(starts[borders[i]]);
                if (active.Count > 0)
                {
                    byPort.AsSpan(borders[i]..borders[i + 1]).Fill(ClassOf(all, Winners(all, active)));
                }
            }
        }

        private static int[] Winners(Binding[] all, SortedSet<int> active)
        {
            var winners = new List<int>(active.Count);
            foreach (var i in active)
            {
                if (winners.Count == 0 || all[winners[^1]].Prefix != all[i].Prefix)
                {
                    winners.Add(i);
                }
            }

            return [.. winners];
        }

        private ushort ClassOf(Binding[] all, int[] winners)
        {
            if (winners.Length == 0)
            {
                return 0;
            }

            // The same bindings of another protocol have other indexes: the key is what the kernel sees.
            int[] key = [.. winners.Select(i => (int)indexes[all[i]])];
            var hash = default(HashCode);
            hash.AddBytes(MemoryMarshal.AsBytes<int>(key));
            if (!known.TryGetValue(hash.ToHashCode(), out var same))
            {
                known[hash.ToHashCode()] = same = [];
            }

            foreach (var (others, found) in same)
            {
                if (others.AsSpan().SequenceEqual(key))
                {
                    return found;
                }
            }

            var made = Make(all, winners);
            same.Add((key, made));
            return made;
        }

        private ushort Make(Binding[] all, int[] winners)
        {
            var entry = RangesOf([.. winners.Select(i => all[i].Prefix)]);
            entry.BindingsFirst = (uint)Image.ClassBindings.Count;
            Image.ClassBindings.AddRange(winners.Select(i => indexes[all[i]] | ((uint)targetOf(all[i]) << 16)));
            Image.ClassList.Add(entry);
            if (Image.ClassList.Count > DispatchLimits.Classes
                || Math.Max(Math.Max(Image.V4List.Count, Image.V6List.Count), Image.ClassBindings.Count) > DispatchLimits.Ranges)
            {
                Refusal = FormattableString.Invariant(
                    $"the port ranges overlap too much: {DispatchLimits.Classes - 1} different sets of bindings a port, with {DispatchLimits.Ranges} bindings and address ranges of a family, fit; use 'any' in place of wide ranges, or fewer prefixes");
                Image.ClassList.RemoveAt(Image.ClassList.Count - 1);
            }

            return (ushort)(Image.ClassList.Count - 1);
        }

        /// <summary>The ranges of these prefixes, which say the how-manieth of them an address is in; made once, whatever the bindings are.</summary>
        private SuDispatchClass RangesOf(IpPrefix[] prefixes)
        {
            var hash = default(HashCode);
            foreach (var prefix in prefixes)
            {
                hash.Add(prefix);
            }

            if (!shapes.TryGetValue(hash.ToHashCode(), out var same))
            {
                shapes[hash.ToHashCode()] = same = [];
            }

            foreach (var (others, found) in same)
            {
                if (others.AsSpan().SequenceEqual(prefixes))
                {
                    return found;
                }
            }

            var entry = new SuDispatchClass { V4First = (uint)Image.V4List.Count, V6First = (uint)Image.V6List.Count };
            var numbered = prefixes.Select((p, i) => (Prefix: p, Which: (ushort)(i + 1))).ToList();
            foreach (var (start, prefix) in Ranges([.. numbered.Where(n => !n.Prefix.IsIPv6)], uint.MaxValue))
            {
                Image.V4List.Add(new SuDispatchV4 { Start = (uint)start, Which = prefix?.Which ?? 0, PrefixBits = (byte)(prefix?.Prefix.Length ?? 0) });
            }

            foreach (var (start, prefix) in Ranges([.. numbered.Where(n => n.Prefix.IsIPv6)], UInt128.MaxValue))
            {
                Image.V6List.Add(new SuDispatchV6
                {
                    StartHigh = (ulong)(start >> 64),
                    StartLow = (ulong)start,
                    Which = prefix?.Which ?? 0,
                    PrefixBits = (byte)(prefix?.Prefix.Length ?? 0),
                });
            }

            entry.V4Count = (uint)Image.V4List.Count - entry.V4First;
            entry.V6Count = (uint)Image.V6List.Count - entry.V6First;
            AddIndex(ref entry);
            same.Add((prefixes, entry));
            return entry;
        }

        // As many buckets as ranges, or up to twice as many: where ranges are even, there is nothing left to search.
        private void AddIndex(ref SuDispatchClass entry)
        {
            var buckets = BitOperations.RoundUpToPowerOf2(entry.V4Count);
            if (entry.V4Count is <= FewRanges or > ushort.MaxValue || Image.V4Index.Count + buckets > DispatchLimits.Index)
            {
                return; // by halves alone
            }

            var ranges = CollectionsMarshal.AsSpan(Image.V4List).Slice((int)entry.V4First, (int)entry.V4Count);
            entry.V4Base = ranges[0].Which == 0 ? ranges[1].Start : 0;
            entry.V4BucketBits = (byte)BitOperations.Log2(buckets);
            entry.V4IndexFirst = (uint)Image.V4Index.Count;
            while ((ranges[^1].Start - entry.V4Base) >> entry.V4Shift >= buckets)
            {
                entry.V4Shift++;
            }

            var range = 0;
            for (ulong bucket = 0; bucket < buckets; bucket++)
            {
                var first = range = LastFrom(ranges, range, entry.V4Base + (bucket << entry.V4Shift));
                range = LastFrom(ranges, range, entry.V4Base + ((bucket + 1) << entry.V4Shift) - 1);
                Image.V4Index.Add((uint)(first | (range << 16)));
            }
        }

        // The last range that begins at or below an address.
        private static int LastFrom(ReadOnlySpan<SuDispatchV4> ranges, int range, ulong address)
        {
            while (range + 1 < ranges.Length && ranges[range + 1].Start <= address)
            {
                range++;
            }

            return range;
        }

        // The prefixes come by network, the shorter of one network first: what is open encloses what comes.
        private static List<(UInt128 Start, (IpPrefix Prefix, ushort Which)? Inside)> Ranges(IReadOnlyList<(IpPrefix Prefix, ushort Which)> nested, UInt128 last)
        {
            var ranges = new List<(UInt128 Start, (IpPrefix Prefix, ushort Which)? Inside)>();
            if (nested.Count == 0)
            {
                return ranges;
            }

            var open = new Stack<(IpPrefix Prefix, ushort Which)>();
            From(0, null);
            foreach (var inside in nested)
            {
                Close(inside.Prefix.Network.Value);
                open.Push(inside);
                From(inside.Prefix.Network.Value, inside);
            }

            Close(null);
            return ranges;

            void Close(UInt128? before)
            {
                while (open.TryPeek(out var top) && (before is null || top.Prefix.Last.Value < before))
                {
                    open.Pop();
                    if (top.Prefix.Last.Value != last)
                    {
                        From(top.Prefix.Last.Value + 1, open.TryPeek(out var around) ? around : null);
                    }
                }
            }

            void From(UInt128 start, (IpPrefix Prefix, ushort Which)? inside)
            {
                if (ranges.Count > 0 && ranges[^1].Start == start)
                {
                    ranges.RemoveAt(ranges.Count - 1);
                }

                if (ranges.Count == 0 || ranges[^1].Inside != inside)
                {
                    ranges.Add((start, inside));
                }
            }
        }
    }
}
