using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SoftUnicast.Dispatch.Abi;

/// <summary><c>struct su_dispatch_class</c>: the bindings of one port, as ranges of addresses.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SuDispatchClass
{
    public uint V4First;

    /// <summary>0: none.</summary>
    public uint V4Count;

    public uint V6First;
    public uint V6Count;
    public uint V4IndexFirst;

    /// <summary>The address that bucket 0 begins with; nothing is bound below it.</summary>
    public uint V4Base;

    /// <summary>Index of <c>class_bindings</c>: where this class's own begin.</summary>
    public uint BindingsFirst;

    /// <summary>log2 of the number of buckets; 0: no index, for few ranges.</summary>
    public byte V4BucketBits;

    /// <summary>log2 of addresses a bucket.</summary>
    public byte V4Shift;

    public ushort Pad;
}

/// <summary><c>struct su_dispatch_v4</c>: addresses from here up to the next range.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SuDispatchV4
{
    public uint Start;

    /// <summary>Of the class's bindings, from 1; 0: none.</summary>
    public ushort Which;

    public byte PrefixBits;
    public byte Pad;
}

/// <summary>5 bytes of padding.</summary>
[InlineArray(5)]
public struct SuPad5
{
    private byte first;
}

/// <summary>9 bytes of padding.</summary>
[InlineArray(9)]
public struct SuPad9
{
    private byte first;
}

/// <summary><c>struct su_dispatch_v6</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SuDispatchV6
{
    public ulong StartHigh;
    public ulong StartLow;

    /// <summary>Of the class's bindings, from 1; 0: none.</summary>
    public ushort Which;

    public byte PrefixBits;
    public SuPad5 Pad;
}

/// <summary>16 bytes: an address as on the wire.</summary>
[InlineArray(Length)]
public struct SuNetworkBytes
{
    public const int Length = 16;
    private byte first;
}

/// <summary><c>struct su_binding</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SuBinding
{
    public SuNetworkBytes Network;
    public ushort FirstPort;
    public ushort LastPort;
    public byte PrefixBits;

    /// <summary>4, 6.</summary>
    public byte Family;

    /// <summary><see cref="Model.DispatchProtocol"/>.</summary>
    public byte Protocol;

    public SuPad9 Pad;
}

/// <summary>The bytes of a label, padded with 0.</summary>
[InlineArray(DispatchLimits.LabelBytes)]
public struct SuLabelBytes
{
    private byte first;
}

/// <summary><c>struct su_target</c>: the sockets of a label that take one protocol over one family.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SuTarget
{
    /// <summary>The first byte 0: entry unused.</summary>
    public SuLabelBytes Label;

    public byte Protocol;

    /// <summary>4, 6.</summary>
    public byte Family;

    /// <summary>1 + the highest slot in use.</summary>
    public byte Slots;

    public byte Pad;

    /// <summary>Bit by slot: this very socket, and not its SO_REUSEPORT group.</summary>
    public ushort Exact;

    public ushort Pad2;
}

/// <summary><c>struct su_dispatch_counter</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SuDispatchCounter
{
    public ulong Hits;

    /// <summary>No live socket.</summary>
    public ulong Misses;

    /// <summary>The kernel refused the socket.</summary>
    public ulong Errors;
}

/// <summary>One kind of counter, of neighbouring bindings.</summary>
[InlineArray(DispatchLimits.CounterBlock)]
public struct SuCounterBlock
{
    private ulong first;
}

/// <summary><c>struct su_dispatch_counters</c>: one element of the map of counters.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SuDispatchCounters
{
    public SuCounterBlock Hits;
    public SuCounterBlock Misses;
    public SuCounterBlock Errors;
}

/// <summary><c>struct su_dispatch_address</c>: the key of the hits by local address.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SuDispatchAddress
{
    /// <summary>As on the wire; IPv4 as ::ffff:a.b.c.d.</summary>
    public SuNetworkBytes AddressBe;
}
