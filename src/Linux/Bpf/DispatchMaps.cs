using System.Text;
using SoftUnicast.Dispatch;
using SoftUnicast.Dispatch.Abi;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Bpf;

/// <summary>What a binding has seen: TCP connections that open, and UDP packets but for those of connected sockets.</summary>
/// <param name="Misses">No live socket: the connection was refused.</param>
/// <param name="Errors">The kernel refused the socket.</param>
public sealed record BindingCounters(Binding Binding, ulong Hits, ulong Misses, ulong Errors);

/// <summary>The dispatch program's maps. The tables are the kernel's own pages, or a copy of them to look at.</summary>
public sealed class DispatchMaps : IDisposable
{
    private const byte IPv4 = 4;
    private const byte IPv6 = 6;

    private readonly MapTables tables;
    private readonly BpfMap sockets;
    private readonly BpfMap counters;
    private readonly DispatchAddresses addresses;

    private DispatchMaps(Func<string, BpfMap> open, bool copied)
    {
        using var map = open(DispatchProgram.TablesMap);
        tables = new MapTables(map, copied);
        sockets = open(DispatchProgram.SocketsMap);
        counters = open(DispatchProgram.CountersMap);
        addresses = new DispatchAddresses(open(DispatchProgram.AddressesMap));
    }

    /// <summary>The bindings in force.</summary>
    public BindingTable Bindings() => BindingTable.OfKernel(BindingIndexes().Keys);

    /// <summary>Completed applies.</summary>
    public ulong Generation => Table<ulong>(DispatchLayout.Generation, 1)[0];

    /// <summary>Every socket that is alive, in every place it has.</summary>
    public IReadOnlyList<RegisteredSocket> Sockets()
    {
        var found = new List<RegisteredSocket>();
        for (var i = 1; i < DispatchLimits.Targets; i++)
        {
            var target = Targets[i];
            if (LabelOf(target) is { } label)
            {
                for (var slot = 0; slot < target.Slots; slot++)
                {
                    if (Cookie(i, slot) is not 0 and var cookie)
                    {
                        found.Add(new RegisteredSocket(label, (DispatchProtocol)target.Protocol, target.Family == IPv6, slot, cookie, (target.Exact >> slot & 1) != 0));
                    }
                }
            }
        }

        return found;
    }

    /// <summary>The counters of every binding in force, in the bindings' order. Since the binding was made.</summary>
    public IReadOnlyList<BindingCounters> ReadCounters()
    {
        var indexes = BindingIndexes();
        if (indexes.Count == 0)
        {
            return [];
        }

        var sums = ReadSums([.. indexes.Values]);
        return [.. indexes.OrderBy(p => p.Key).Select(p => (p.Key, Now: sums[p.Value], Before: CountedBefore[p.Value]))
            .Select(c => new BindingCounters(c.Key, c.Now.Hits - c.Before.Hits, c.Now.Misses - c.Before.Misses, c.Now.Errors - c.Before.Errors))];
    }

    /// <summary>Whether hits are counted by local address too.</summary>
    public bool CountsAddresses => Table<uint>(DispatchLayout.CountsAddresses, 1)[0] != 0;

    /// <summary>
    /// The hits of each local address that is known, since it was first seen after the counting was switched on. About <see cref="DispatchLimits.Addresses"/>
    /// find room: one that has not been seen for long may have gone, and begins anew when it is seen again.
    /// </summary>
    public IReadOnlyDictionary<IpAddress, ulong> ReadAddresses() => addresses.Read();

    public void Dispose()
    {
        tables.Dispose();
        sockets.Dispose();
        counters.Dispose();
        addresses.Dispose();
    }

    internal static DispatchMaps Of(BpfObject loaded) => new(loaded.Map, copied: false);

    internal static DispatchMaps Copy(PinFolder pins) => new(name => BpfMap.OpenPinned(pins.MapPath(name), readOnly: true), copied: true);

    internal BpfMap SocketMap => sockets;

    internal Span<SuBinding> BindingEntries => Table<SuBinding>(DispatchLayout.Bindings, DispatchLimits.Bindings);

    internal Span<SuTarget> Targets => Table<SuTarget>(DispatchLayout.Targets, DispatchLimits.Targets);

    internal Span<ushort> BindingTargets => Table<ushort>(DispatchLayout.BindingTargets, DispatchLimits.Bindings);

    internal Span<SuDispatchCounter> CountedBefore => Table<SuDispatchCounter>(DispatchLayout.CountedBefore, DispatchLimits.Bindings);

    internal int LiveHalf => (int)(Table<uint>(DispatchLayout.Half, 1)[0] & 1);

    internal ReadOnlySpan<ulong> InUse => Table<ulong>((LiveHalf * DispatchLayout.HalfBytes) + DispatchLayout.BindingsInUse, DispatchLimits.Bindings / 64);

    /// <summary>The bindings in force, and where each stands.</summary>
    internal Dictionary<Binding, ushort> BindingIndexes()
    {
        var indexes = new Dictionary<Binding, ushort>();
        for (var i = 1; i < DispatchLimits.Bindings; i++)
        {
            if ((InUse[i / 64] >> (i % 64) & 1) != 0)
            {
                indexes[Read(i)] = (ushort)i;
            }
        }

        return indexes;
    }

    /// <summary>Where the sockets of a label, a protocol and a family are; 0: nowhere.</summary>
    internal int FindTarget(Label label, DispatchProtocol protocol, bool isIPv6)
    {
        for (var i = 1; i < DispatchLimits.Targets; i++)
        {
            ref readonly var target = ref Targets[i];
            if (target.Protocol == (byte)protocol && target.Family == (isIPv6 ? IPv6 : IPv4) && LabelOf(target) == label)
            {
                return i;
            }
        }

        return 0;
    }

    internal ulong Cookie(int target, int slot) => sockets.TryRead<ulong>(SlotKey(target, slot), out var cookie) ? cookie : 0;

    internal static uint SlotKey(int target, int slot) => (uint)((target * DispatchLimits.TargetSlots) + slot);

    /// <summary>From now on these count from 0. The map's own values go on: others count beside them.</summary>
    internal void RestartCounters(IReadOnlyCollection<ushort> bindings)
    {
        foreach (var (index, sum) in ReadSums(bindings))
        {
            CountedBefore[index] = sum;
        }
    }

    /// <summary>Switches the counting by address on, from nothing, or off.</summary>
    internal void CountAddresses(bool isOn)
    {
        if (isOn && !CountsAddresses)
        {
            addresses.Clear();
        }

        Volatile.Write(ref Table<uint>(DispatchLayout.CountsAddresses, 1)[0], isOn ? 1u : 0u);
    }

    internal static SuTarget MakeTarget(Label label, DispatchProtocol protocol, bool isIPv6)
    {
        var target = new SuTarget { Protocol = (byte)protocol, Family = isIPv6 ? IPv6 : IPv4 };
        _ = Encoding.ASCII.GetBytes(label.ToString(), target.Label);
        return target;
    }

    internal static SuBinding Write(Binding binding)
    {
        var entry = new SuBinding
        {
            FirstPort = binding.Ports.First,
            LastPort = binding.Ports.Last,
            PrefixBits = (byte)binding.Prefix.Length,
            Family = binding.Prefix.IsIPv6 ? IPv6 : IPv4,
            Protocol = (byte)binding.Protocol,
        };
        binding.Prefix.Network.ToBytes().CopyTo(entry.Network);
        return entry;
    }

    /// <summary>Puts a whole table into the half that no packet reads, and makes it live by one store.</summary>
    internal void Publish(DispatchImage image, IReadOnlyCollection<ushort> inUse)
    {
        var next = 1 - LiveHalf;
        var at = next * DispatchLayout.HalfBytes;
        image.TcpClasses.CopyTo(Table<ushort>(at, DispatchLimits.Ports));
        image.UdpClasses.CopyTo(Table<ushort>(at + (DispatchLimits.Ports * sizeof(ushort)), DispatchLimits.Ports));
        image.AnyPortClasses.CopyTo(Table<ushort>(at + DispatchLayout.AnyPortClass, 2));
        Table<uint>(at + DispatchLayout.BindingCount, 1)[0] = (uint)inUse.Count;
        image.ClassSpan.CopyTo(Table<SuDispatchClass>(at + DispatchLayout.Classes, DispatchLimits.Classes));
        image.V4Span.CopyTo(Table<SuDispatchV4>(at + DispatchLayout.V4, DispatchLimits.Ranges));
        image.V6Span.CopyTo(Table<SuDispatchV6>(at + DispatchLayout.V6, DispatchLimits.Ranges));
        image.V4IndexSpan.CopyTo(Table<uint>(at + DispatchLayout.V4Index, DispatchLimits.Index));
        image.ClassBindingsSpan.CopyTo(Table<uint>(at + DispatchLayout.ClassBindings, DispatchLimits.Ranges));
        var bits = Table<ulong>(at + DispatchLayout.BindingsInUse, DispatchLimits.Bindings / 64);
        bits.Clear();
        foreach (var index in inUse)
        {
            bits[index / 64] |= 1ul << (index % 64);
        }

        Volatile.Write(ref Table<uint>(DispatchLayout.Half, 1)[0], (uint)next);
        Table<ulong>(DispatchLayout.Generation, 1)[0]++;
    }

    internal static Label? LabelOf(in SuTarget target)
    {
        ReadOnlySpan<byte> bytes = target.Label;
        var end = bytes.IndexOf((byte)0);
        return end > 0 && Label.TryParse(Encoding.ASCII.GetString(bytes[..end]), out var label) ? label : null;
    }

    private Binding Read(int index)
    {
        ref readonly var entry = ref BindingEntries[index];
        var network = IpAddress.FromBytes(((ReadOnlySpan<byte>)entry.Network)[..(entry.Family == IPv6 ? 16 : 4)]);
        var label = LabelOf(Targets[BindingTargets[index]]) ?? throw new PinnedStateException(
            $"a pinned binding of {network}/{entry.PrefixBits} leads to no label: what is pinned is damaged; remove it and start afresh");
        return new Binding(label, (DispatchProtocol)entry.Protocol, new IpPrefix(network, entry.PrefixBits), new PortRange(entry.FirstPort, entry.LastPort));
    }

    private Span<T> Table<T>(int offset, int entries)
        where T : unmanaged => tables.Table<T>(offset, entries);

    private Dictionary<ushort, SuDispatchCounter> ReadSums(IReadOnlyCollection<ushort> bindings)
    {
        var sums = new Dictionary<ushort, SuDispatchCounter>();
        var values = new SuDispatchCounters[BpfMap.PossibleCpus];
        foreach (var block in bindings.GroupBy(b => b / DispatchLimits.CounterBlock))
        {
            counters.ReadPerCpu<SuDispatchCounters>((uint)block.Key, values);
            foreach (var index in block)
            {
                SuDispatchCounter sum = default;
                for (var cpu = 0; cpu < values.Length; cpu++)
                {
                    var at = index % DispatchLimits.CounterBlock;
                    sum.Hits += values[cpu].Hits[at];
                    sum.Misses += values[cpu].Misses[at];
                    sum.Errors += values[cpu].Errors[at];
                }

                sums[index] = sum;
            }
        }

        return sums;
    }
}
