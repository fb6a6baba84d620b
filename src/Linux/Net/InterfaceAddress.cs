using System.Runtime.InteropServices;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Net;

/// <summary>An address of this machine (RTM_NEWADDR).</summary>
/// <param name="PrefixLength">Of the network that it puts on the link: 0 to 32 or 128.</param>
public sealed record InterfaceAddress(int InterfaceIndex, IpAddress Address, int PrefixLength)
{
    internal static InterfaceAddress? Parse(NetlinkBody body)
    {
        var attributes = AttributeReader.Behind(body.Name, body.Bytes, Marshal.SizeOf<IfAddrMsg>());
        var header = MemoryMarshal.Read<IfAddrMsg>(body.Bytes);
        if (header.Family is not (Libc.AF_INET or Libc.AF_INET6))
        {
            return null;
        }

        IpAddress? local = null;
        IpAddress? address = null;
        while (attributes.TryRead(out var type, out var value))
        {
            // On a point-to-point link IFA_ADDRESS is the other end's, IFA_LOCAL ours; elsewhere IPv6 has IFA_ADDRESS only.
            if (type == Nl.IFA_LOCAL)
            {
                local = value.AsAddress();
            }
            else if (type == Nl.IFA_ADDRESS)
            {
                address = value.AsAddress();
            }
        }

        return new InterfaceAddress(
            header.Index,
            local ?? address ?? throw new NetlinkFormatException($"{body.Name}: no address on device {header.Index}"),
            header.PrefixLength);
    }
}
