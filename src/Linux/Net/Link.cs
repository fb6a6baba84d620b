using System.Runtime.InteropServices;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Net;

/// <summary>A network device (RTM_NEWLINK).</summary>
/// <param name="Mac">Null if it has no Ethernet address.</param>
/// <param name="IsEthernet">Frames on it start with an Ethernet header.</param>
/// <param name="IsUp">Switched on (IFF_UP).</param>
/// <param name="HasCarrier">Switched on and able to send (IFF_LOWER_UP).</param>
/// <param name="Kind">The driver's name of a virtual device: vlan, veth, bond; null for hardware.</param>
/// <param name="Parent">ifindex of the device below it, in this namespace; null if there is none or it is elsewhere.</param>
/// <param name="VlanId">For a VLAN device of protocol 802.1Q; null otherwise.</param>
/// <param name="XdpProgramId">Of the XDP program attached to it; null if none is.</param>
public sealed record Link(
    int Index,
    string Name,
    MacAddress? Mac,
    int MtuBytes,
    bool IsEthernet,
    bool IsUp,
    bool HasCarrier,
    string? Kind,
    int? Parent,
    ushort? VlanId,
    uint? XdpProgramId)
{
    /// <summary>Null for a message that is not about a device itself, such as a bridge's about its port.</summary>
    internal static Link? Parse(NetlinkBody body)
    {
        var attributes = AttributeReader.Behind(body.Name, body.Bytes, Marshal.SizeOf<IfInfoMsg>());
        var header = MemoryMarshal.Read<IfInfoMsg>(body.Bytes);
        if (header.Family != 0)
        {
            return null;
        }

        string? name = null;
        string? kind = null;
        MacAddress? mac = null;
        int? parent = null;
        ushort? vlanId = null;
        uint? xdpProgramId = null;
        var mtuBytes = 0;
        var parentIsElsewhere = false;
        while (attributes.TryRead(out var type, out var value))
        {
            switch (type)
            {
                case Nl.IFLA_IFNAME:
                    name = value.AsText();
                    break;
                case Nl.IFLA_ADDRESS when value.Bytes.Length == 6:
                    mac = MacAddress.FromBytes(value.Bytes);
                    break;
                case Nl.IFLA_MTU:
                    mtuBytes = (int)Math.Min(value.AsUInt32(), int.MaxValue);
                    break;
                case Nl.IFLA_LINK:
                    parent = value.AsInt32();
                    break;
                case Nl.IFLA_LINK_NETNSID:
                    parentIsElsewhere = true;
                    break;
                case Nl.IFLA_LINKINFO:
                    (kind, vlanId) = ParseInfo(value);
                    break;
                case Nl.IFLA_XDP:
                    xdpProgramId = ParseXdp(value);
                    break;
            }
        }

        return new Link(
            header.Index,
            name ?? throw new NetlinkFormatException($"{body.Name}: device {header.Index} has no name"),
            mac,
            mtuBytes,
            header.Type == Nl.ARPHRD_ETHER,
            (header.Flags & Nl.IFF_UP) != 0,
            (header.Flags & Nl.IFF_LOWER_UP) != 0,
            kind,
            parentIsElsewhere || parent is 0 || parent == header.Index ? null : parent,
            vlanId,
            xdpProgramId);
    }

    private static (string? Kind, ushort? VlanId) ParseInfo(AttributeValue info)
    {
        const ushort Protocol8021Q = 0x8100;
        string? kind = null;
        ushort? vlanId = null;
        ushort vlanProtocol = Protocol8021Q;
        var attributes = info.AsNested();
        while (attributes.TryRead(out var type, out var value))
        {
            if (type == Nl.IFLA_INFO_KIND)
            {
                kind = value.AsText();
            }
            else if (type == Nl.IFLA_INFO_DATA && kind == "vlan") // the kernel writes the kind first
            {
                var data = value.AsNested();
                while (data.TryRead(out var dataType, out var dataValue))
                {
                    if (dataType == Nl.IFLA_VLAN_ID)
                    {
                        vlanId = dataValue.AsUInt16();
                    }
                    else if (dataType == Nl.IFLA_VLAN_PROTOCOL)
                    {
                        vlanProtocol = dataValue.AsUInt16BigEndian();
                    }
                }
            }
        }

        return (kind, vlanProtocol == Protocol8021Q ? vlanId : null);
    }

    private static uint? ParseXdp(AttributeValue xdp)
    {
        uint? programId = null;
        var attached = false;
        var attributes = xdp.AsNested();
        while (attributes.TryRead(out var type, out var value))
        {
            if (type == Nl.IFLA_XDP_ATTACHED)
            {
                attached = value.AsByte() != 0;
            }
            else if (type == Nl.IFLA_XDP_PROG_ID)
            {
                programId = value.AsUInt32();
            }
        }

        return attached ? programId : null;
    }
}
