using System.Runtime.InteropServices;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Net;

/// <summary>Writes one request into the buffer it is given; what does not fit throws.</summary>
internal ref struct NetlinkWriter
{
    private readonly Span<byte> buffer;
    private int length;

    public NetlinkWriter(Span<byte> buffer, ushort type, ushort flags, uint sequence)
    {
        this.buffer = buffer;
        buffer[..NetlinkReader.HeaderBytes].Clear();
        MemoryMarshal.Write(buffer[4..], type);
        MemoryMarshal.Write(buffer[6..], (ushort)(flags | Nl.NLM_F_REQUEST));
        MemoryMarshal.Write(buffer[8..], sequence);
        length = NetlinkReader.HeaderBytes;
    }

    public void Header<T>(T header)
        where T : unmanaged
    {
        MemoryMarshal.Write(buffer[length..], header);
        Advance(Marshal.SizeOf<T>());
    }

    public void Attribute(ushort type, scoped ReadOnlySpan<byte> value)
    {
        MemoryMarshal.Write(buffer[length..], (ushort)(AttributeReader.HeaderBytes + value.Length));
        MemoryMarshal.Write(buffer[(length + 2)..], type);
        value.CopyTo(buffer[(length + AttributeReader.HeaderBytes)..]);
        Advance(AttributeReader.HeaderBytes + value.Length);
    }

    public void Attribute(ushort type, uint value) => Attribute(type, MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in value)));

    public void Attribute(ushort type, IpAddress address) => Attribute(type, address.ToBytes());

    /// <summary>The finished message.</summary>
    public readonly ReadOnlySpan<byte> Finish()
    {
        MemoryMarshal.Write(buffer, length);
        return buffer[..length];
    }

    private void Advance(int by)
    {
        var end = NetlinkReader.Align(length + by);
        buffer[(length + by)..end].Clear();
        length = end;
    }
}

/// <summary>struct ifinfomsg (rtnetlink(7)).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct IfInfoMsg
{
    public byte Family;
    public byte Pad;
    public ushort Type;
    public int Index;
    public uint Flags;
    public uint Change;
}

/// <summary>struct ifaddrmsg.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct IfAddrMsg
{
    public byte Family;
    public byte PrefixLength;
    public byte Flags;
    public byte Scope;
    public int Index;
}

/// <summary>struct rtmsg.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RtMsg
{
    public byte Family;
    public byte DestinationLength;
    public byte SourceLength;
    public byte Tos;
    public byte Table;
    public byte Protocol;
    public byte Scope;
    public byte Type;
    public uint Flags;
}

/// <summary>struct rtnexthop.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RtNextHop
{
    public ushort Length;
    public byte Flags;
    public byte Hops;
    public int Index;
}

/// <summary>struct ndmsg.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NdMsg
{
    public byte Family;
    public byte Pad1;
    public ushort Pad2;
    public int Index;
    public ushort State;
    public byte Flags;
    public byte Type;
}
