using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using SoftUnicast.Model;
using SoftUnicast.Steering.Abi;
using SoftUnicast.Steering.Kernel;

namespace SoftUnicast.Steering;

/// <summary>What the packet path goes by, read back from its maps.</summary>
/// <param name="Table">The table that they amount to.</param>
/// <param name="Generation">Writes that were completed.</param>
/// <param name="Problems">What cannot be right there and is left out of the table, one sentence each.</param>
public sealed record KernelTable(SteeringTable Table, ulong Generation, ImmutableArray<string> Problems)
{
    /// <summary>Reads the maps, as a packet would: at any time, also while they are written. Never throws over their content.</summary>
    public static KernelTable Read(ISteeringMaps maps)
    {
        ArgumentNullException.ThrowIfNull(maps);
        var builder = new SteeringTableBuilder();
        var problems = ImmutableArray.CreateBuilder<string>();
        var endpoints = new SteeringEndpoint?[AbiLimits.Endpoints];
        for (uint upperHalf = 0; upperHalf < AbiLimits.L1Entries; upperHalf++)
        {
            var block = maps.L1[AbiLimits.L1Index(upperHalf)];
            if (block >= AbiLimits.L2Blocks)
            {
                problems.Add(Text($"{Address(upperHalf << 16)}/16 leads to block {block} of {AbiLimits.L2Blocks}"));
                continue;
            }

            for (var third = 0; block != 0 && third < 256; third++)
            {
                var entry = maps.L2[(block * 256) + third];
                if (entry.Kind != (byte)PrefixKind.None)
                {
                    ReadPrefix(maps, Address((upperHalf << 16) | ((uint)third << 8)), in entry, endpoints, builder, problems);
                }
            }
        }

        ReadLocals(maps, builder, problems);
        ReadInterfaces(maps, builder);
        return new KernelTable(builder.Build(), maps.Settings.Generation, problems.ToImmutable());
    }

    private static void ReadPrefix(
        ISteeringMaps maps, IpAddress network, in SuPrefix entry, SteeringEndpoint?[] endpoints, SteeringTableBuilder builder, ImmutableArray<string>.Builder problems)
    {
        var slotCount = MapLayout.SlotCountOf(in entry);
        if (slotCount == 0 || entry.RowBase > AbiLimits.RowSlots - slotCount)
        {
            problems.Add(Text($"{network}/24 is of kind {entry.Kind}, row shift {entry.RowShift}, rows from {entry.RowBase}"));
            return;
        }

        var row = maps.Rows.Slice((int)entry.RowBase, slotCount);
        if (entry.Kind == (byte)PrefixKind.Peers)
        {
            ReadPeers(network, row, builder, problems);
            return;
        }

        var size = SliceSize.Create(65536 >> entry.RowShift);
        builder.AddPrefix(new IpPrefix(network, 24), size, (EgressPolicies)entry.Flags);
        for (var slot = 0; slot < row.Length; slot++)
        {
            var value = Volatile.Read(ref row[slot]);
            if (value == AbiLimits.SlotUnowned)
            {
                continue;
            }

            var address = network.Add((UInt128)(slot / size.SlicesPerAddress));
            var slice = slot % size.SlicesPerAddress;
            if (value == AbiLimits.SlotHere)
            {
                builder.SetOwner(address, slice, SliceOwner.Here);
            }
            else if (value < AbiLimits.Endpoints && (endpoints[value] ??= SteeringEndpoint.FromEntry(in maps.Endpoints[value])) is { } endpoint)
            {
                builder.SetOwner(address, slice, SliceOwner.At(endpoint));
            }
            else
            {
                problems.Add(Text($"{new AddressPorts(address, size.PortsOf(slice))} leads to endpoint {value}, which is none"));
            }
        }
    }

    private static void ReadPeers(IpAddress network, ReadOnlySpan<ushort> row, SteeringTableBuilder builder, ImmutableArray<string>.Builder problems)
    {
        for (var last = 0; last < row.Length; last++)
        {
            var peer = network.Add((UInt128)last);
            if (row[last] is (ushort)Rank.Datacenter or (ushort)Rank.Backbone)
            {
                builder.AddPeer(peer, (Rank)row[last]);
            }
            else if (row[last] != 0)
            {
                problems.Add(Text($"peer {peer} has rank {row[last]}"));
            }
        }
    }

    private static void ReadLocals(ISteeringMaps maps, SteeringTableBuilder builder, ImmutableArray<string>.Builder problems)
    {
        var seen = new HashSet<uint> { 0 };
        foreach (var local in maps.Settings.Locals)
        {
            var address = Address(FromWire(local.AddressBe));
            if (local.AddressBe != 0 && builder.HasPrefixOf(address))
            {
                problems.Add(Text($"outer address {address} lies in an egress /24"));
            }
            else if (seen.Add(local.AddressBe))
            {
                var accept = (AcceptedEncapsulations)local.Accept;
                uint? key = accept.HasFlag(AcceptedEncapsulations.GreKey) ? FromWire(local.GreKeyBe) : null;
                builder.AddLocal(new SteeringLocal(address, accept, key));
            }
            else if (local.AddressBe != 0)
            {
                problems.Add(Text($"outer address {address} is there twice"));
            }
        }
    }

    private static void ReadInterfaces(ISteeringMaps maps, SteeringTableBuilder builder)
    {
        for (var index = 0; index < maps.Interfaces.Length; index++)
        {
            var device = maps.Interfaces[index];
            if (device.Roles != 0)
            {
                builder.AddInterface(new SteeringInterface(index, MacAddress.FromBytes(device.Mac), (InterfaceRoles)device.Roles));
            }
        }
    }

    private static IpAddress Address(uint value) => IpAddress.FromUInt32(value);

    private static uint FromWire(uint bytes) =>
        BinaryPrimitives.ReadUInt32BigEndian(MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in bytes)));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
