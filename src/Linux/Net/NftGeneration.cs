using System.Buffers.Binary;
using System.Runtime.InteropServices;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Net;

/// <summary>
/// The number that nf_tables counts up with every change of any of its tables (NFT_MSG_GETGEN, nf_tables.h), in the network
/// namespace that the constructing thread is in: what has the same number as before need not be read again.
/// </summary>
public sealed class NftGeneration : IDisposable
{
    // NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN
    private const ushort GETGEN = 0x0a10;
    private const ushort NFTA_GEN_ID = 1;
    private const string Name = "NFT_MSG_GETGEN";
    private readonly NetlinkRequests requests = new(NetlinkSocket.ForNetfilter(), type => type == GETGEN ? Name : Nl.Name(type));

    /// <exception cref="NetlinkException">The kernel refuses it: it has no nf_tables, or CAP_NET_ADMIN is missing.</exception>
    public uint Read()
    {
        uint generation = 0;
        requests.Request(GETGEN, 0, "nf_tables", (ref NetlinkWriter writer) => writer.Header(default(NetfilterHeader)), (in NetlinkMessage message) =>
        {
            var attributes = AttributeReader.Behind(Name, message.Body, Marshal.SizeOf<NetfilterHeader>());
            while (attributes.TryRead(out var type, out var value))
            {
                generation = type == NFTA_GEN_ID ? BinaryPrimitives.ReverseEndianness(value.AsUInt32()) : generation;
            }
        });
        return generation;
    }

    public void Dispose() => requests.Dispose();
}

/// <summary>struct nfgenmsg.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NetfilterHeader
{
    /// <summary>An address family, or 0.</summary>
    public byte Family;
    public byte Version;
    public ushort ResourceIdBe;
}
