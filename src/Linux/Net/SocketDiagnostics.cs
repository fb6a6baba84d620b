using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Net;

/// <summary>Sockets of one slice.</summary>
/// <param name="Tcp">Those that live, listening ones included.</param>
/// <param name="TimeWait">Those that are closed and still hold their 4-tuple.</param>
public readonly record struct SocketCount(int Tcp, int TimeWait, int Udp)
{
    public int All => Tcp + TimeWait + Udp;
}

/// <summary>
/// Asks the kernel which sockets there are (sock_diag(7)), in the network namespace that the constructing thread is in,
/// whatever thread uses it later. No privilege is needed. A list is not of one moment: a socket that comes or goes meanwhile may
/// be in it or not.
/// </summary>
public sealed class SocketDiagnostics : IDisposable
{
    private const ushort SOCK_DIAG_BY_FAMILY = 20;
    private const ushort INET_DIAG_REQ_BYTECODE = 1;
    private const int RequestBytes = 64 * 1024;
    private readonly NetlinkRequests requests = new(
        NetlinkSocket.ForSocketDiagnostics(), type => type == SOCK_DIAG_BY_FAMILY ? nameof(SOCK_DIAG_BY_FAMILY) : Nl.Name(type), RequestBytes);

    /// <summary>Sockets whose local end lies in one of these slices, those in TIME_WAIT included. IPv4.</summary>
    public ImmutableArray<SocketRecord> In(SocketProtocol protocol, IReadOnlyCollection<AddressPorts> slices)
    {
        ArgumentNullException.ThrowIfNull(slices);
        return In(protocol, slices.Select(s => (IpPrefix.Host(s.Address), s.Ports)));
    }

    /// <summary>Sockets whose local address lies in one of these prefixes, those in TIME_WAIT included. IPv4.</summary>
    public ImmutableArray<SocketRecord> In(SocketProtocol protocol, IReadOnlyCollection<IpPrefix> prefixes)
    {
        ArgumentNullException.ThrowIfNull(prefixes);
        return In(protocol, prefixes.Select(p => (p, PortRange.All)));
    }

    /// <summary>How many sockets each slice has; every slice asked for is there. Slices must not overlap.</summary>
    public ImmutableSortedDictionary<AddressPorts, SocketCount> Count(IReadOnlyCollection<AddressPorts> slices)
    {
        ArgumentNullException.ThrowIfNull(slices);
        var counts = slices.ToDictionary(s => s, _ => default(SocketCount));
        var byAddress = slices.ToLookup(s => s.Address);
        foreach (var socket in In(SocketProtocol.Tcp, slices).Concat(In(SocketProtocol.Udp, slices)))
        {
            var slice = byAddress[socket.Local.Address].First(s => s.Ports.Contains(socket.Local.Port));
            var count = counts[slice];
            counts[slice] = socket.Protocol == SocketProtocol.Udp ? count with { Udp = count.Udp + 1 }
                : socket.State == SocketState.TimeWait ? count with { TimeWait = count.TimeWait + 1 }
                : count with { Tcp = count.Tcp + 1 };
        }

        return counts.ToImmutableSortedDictionary();
    }

    /// <summary>
    /// Every socket with this 4-tuple: more than one is possible for UDP, where ports are shared by SO_REUSEADDR.
    /// </summary>
    public ImmutableArray<SocketRecord> With(SocketProtocol protocol, SocketEnd local, SocketEnd remote) =>
        [.. Dump(protocol, local.Port, remote.Port, []).Where(s => s.Local == local && s.Remote == remote)];

    /// <summary>Every socket with this local end, and those bound to its port on no address (0.0.0.0 and ::).</summary>
    public ImmutableArray<SocketRecord> At(SocketProtocol protocol, SocketEnd local) =>
        [.. Dump(protocol, local.Port, 0, []).Where(s => s.Local.Port == local.Port && (s.Local.Address == local.Address || s.Local.Address.Value == 0))];

    public void Dispose() => requests.Dispose();

    private ImmutableArray<SocketRecord> In(SocketProtocol protocol, IEnumerable<(IpPrefix Prefix, PortRange Ports)> wanted)
    {
        var places = wanted.Where(p => !p.Prefix.IsIPv6).Distinct().ToList();
        if (places.Count == 0)
        {
            return [];
        }

        var filter = places.Count <= SocketFilter.MostClauses ? SocketFilter.Compile(places) : [];
        var found = Dump(protocol, 0, 0, filter);
        if (filter.Length > 0)
        {
            return [.. found];
        }

        return [.. found.Where(s => places.Any(p => p.Ports.Contains(s.Local.Port) && p.Prefix.Contains(s.Local.Address)))];
    }

    // IPv6 sockets may hold IPv4-mapped addresses: both families are asked.
    private List<SocketRecord> Dump(SocketProtocol protocol, ushort localPort, ushort remotePort, byte[] filter)
    {
        var found = Dump(Libc.AF_INET, protocol, localPort, remotePort, filter);
        try
        {
            found.AddRange(Dump(Libc.AF_INET6, protocol, localPort, remotePort, filter));
        }
        catch (NetlinkException e) when (e.Errno == Libc.ENOENT)
        {
            // This kernel has no IPv6.
        }

        return found;
    }

    private List<SocketRecord> Dump(byte family, SocketProtocol protocol, ushort localPort, ushort remotePort, byte[] filter)
    {
        var header = new InetDiagRequest
        {
            Family = family,
            Protocol = (byte)protocol,
            States = uint.MaxValue,
            LocalPortBe = BinaryPrimitives.ReverseEndianness(localPort),
            RemotePortBe = BinaryPrimitives.ReverseEndianness(remotePort),
        };
        return requests.Dump(
            SOCK_DIAG_BY_FAMILY,
            $"{protocol.ToString().ToLowerInvariant()} sockets",
            (ref NetlinkWriter writer) =>
            {
                writer.Header(header);
                if (filter.Length > 0)
                {
                    writer.Attribute(INET_DIAG_REQ_BYTECODE, filter);
                }
            },
            body => SocketRecord.Parse(protocol, body.Bytes));
    }

    /// <summary>struct inet_diag_req_v2. Addresses and cookie are for single sockets, and stay zero.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 56)]
    private struct InetDiagRequest
    {
        public byte Family;
        public byte Protocol;
        public byte Extensions;
        public byte Pad;
        public uint States;
        public ushort LocalPortBe;
        public ushort RemotePortBe;
    }
}
