using System.Runtime.InteropServices;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;
using SoftUnicast.Tunnels;

namespace SoftUnicast.Linux.Net;

/// <summary>How sure the kernel is of a neighbour's MAC (RFC 4861 7.3.2; rtnetlink(7), ndm_state).</summary>
[Flags]
public enum NeighbourState
{
    /// <summary>Nobody asked yet.</summary>
    None = 0,

    /// <summary>Being asked for the first time: no MAC.</summary>
    Incomplete = 0x01,
    Reachable = 0x02,

    /// <summary>The MAC was right once and has not been confirmed lately.</summary>
    Stale = 0x04,
    Delay = 0x08,
    Probe = 0x10,

    /// <summary>Did not answer.</summary>
    Failed = 0x20,
    NoArp = 0x40,
    Permanent = 0x80,
}

/// <summary>A neighbour (RTM_NEWNEIGH).</summary>
/// <param name="Mac">Null if it is not known, or is no Ethernet address.</param>
public sealed record Neighbour(NeighbourKey Key, MacAddress? Mac, NeighbourState State)
{
    private const NeighbourState Confirmed = NeighbourState.Reachable | NeighbourState.NoArp | NeighbourState.Permanent;
    private const NeighbourState Valid = Confirmed | NeighbourState.Stale | NeighbourState.Delay | NeighbourState.Probe;

    /// <summary>Answered lately, or is set by hand.</summary>
    public bool IsConfirmed => (State & Confirmed) != 0;

    /// <summary>The kernel would send to its MAC.</summary>
    public bool IsUsable => (State & Valid) != 0 && Mac is not null;

    internal static Neighbour? Parse(NetlinkBody body)
    {
        var attributes = AttributeReader.Behind(body.Name, body.Bytes, Marshal.SizeOf<NdMsg>());
        var header = MemoryMarshal.Read<NdMsg>(body.Bytes);
        if (header.Family is not (Libc.AF_INET or Libc.AF_INET6))
        {
            return null; // a bridge's forwarding entry
        }

        IpAddress? address = null;
        MacAddress? mac = null;
        while (attributes.TryRead(out var type, out var value))
        {
            if (type == Nl.NDA_DST)
            {
                address = value.AsAddress();
            }
            else if (type == Nl.NDA_LLADDR && value.Bytes.Length == 6)
            {
                mac = MacAddress.FromBytes(value.Bytes);
            }
        }

        return address is { } known ? new Neighbour(new NeighbourKey(header.Index, known), mac, (NeighbourState)header.State) : null;
    }
}
