using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using SoftUnicast.Control.Commands;
using SoftUnicast.Model;

namespace SoftUnicast.Client;

/// <summary>
/// TCP connections from the slices of a lease, used evenly. Ports are shared by connections to different destinations; when a
/// slice has none left for a destination, the next slice is taken. For an HTTP client:
/// <c>new SocketsHttpHandler { ConnectCallback = connector.ConnectAsync }</c>.
/// </summary>
public sealed class SliceConnector
{
    private readonly SliceLease lease;
    private uint turn = (uint)Random.Shared.Next();

    /// <param name="lease">Of kind Range.</param>
    public SliceConnector(SliceLease lease)
    {
        ArgumentNullException.ThrowIfNull(lease);
        if (lease.Kind != LeaseKind.Range)
        {
            throw new ArgumentException("late binding and explicit binding break each other: lease slices of kind Range", nameof(lease));
        }

        this.lease = lease;
    }

    /// <summary>A TCP socket bound to the slice's address, whose port the kernel chooses within the slice at connect(2).</summary>
    /// <exception cref="PortRangeException">The kernel cannot, or would ignore the range.</exception>
    public static Socket CreateTcpSocket(AddressPorts slice)
    {
        SocketOptions.RequireSettingCovers(slice.Ports);
        var socket = new Socket(slice.Address.IsIPv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            SocketOptions.SetNoPort(socket);
            SocketOptions.SetPortRange(socket, slice.Ports);
            socket.Bind(new IPEndPoint(new IPAddress(slice.Address.ToBytes()), 0));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>For <see cref="SocketsHttpHandler.ConnectCallback"/>.</summary>
    /// <exception cref="SliceException">See <see cref="ConnectAsync(IPEndPoint, CancellationToken)"/>.</exception>
    /// <exception cref="SocketException">The name or the server is not there.</exception>
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(context);
        var socket = await ConnectAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancellation).ConfigureAwait(false);
        return new NetworkStream(socket, ownsSocket: true);
    }

    /// <summary>Connects to a host by name: to its addresses in order, those of a family that the lease has slices of.</summary>
    /// <inheritdoc cref="ConnectAsync(SocketsHttpConnectionContext, CancellationToken)"/>
    public async Task<Socket> ConnectAsync(string host, int port, CancellationToken cancellation = default)
    {
        IPAddress[] addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host, cancellation).ConfigureAwait(false);
        SocketException? last = null;
        foreach (var address in addresses.Where(a => Slices(a.AddressFamily).Length > 0))
        {
            try
            {
                return await ConnectAsync(new IPEndPoint(address, port), cancellation).ConfigureAwait(false);
            }
            catch (SocketException e)
            {
                last = e;
            }
        }

        throw last ?? (Exception)new SliceException($"{host} has no address of a family that lease {lease.Id} has slices of");
    }

    /// <exception cref="LeaseRevokedException">The lease is over.</exception>
    /// <exception cref="NoPortLeftException">Every slice is full towards this destination.</exception>
    /// <exception cref="PortRangeException">The kernel chose a port outside the slice, or cannot choose within one.</exception>
    /// <exception cref="SocketException">The destination does not answer, or refuses.</exception>
    public async Task<Socket> ConnectAsync(IPEndPoint remote, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(remote);
        lease.ThrowIfRevoked();
        var slices = Slices(remote.AddressFamily);
        if (slices.Length == 0)
        {
            throw new SliceException($"lease {lease.Id} has no slice of the family of {remote}");
        }

        var first = (int)(Interlocked.Increment(ref turn) % (uint)slices.Length);
        SocketException? full = null;
        for (var i = 0; i < slices.Length; i++)
        {
            var slice = slices[(first + i) % slices.Length];
            var socket = CreateTcpSocket(slice);
            try
            {
                await ConnectAsync(socket, slice, remote, cancellation).ConfigureAwait(false);
                return socket;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressNotAvailable)
            {
                socket.Dispose();
                full = e;
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        throw new NoPortLeftException($"no port is left towards {remote} in {string.Join(", ", slices)}", full);
    }

    private static async ValueTask ConnectAsync(Socket socket, AddressPorts slice, IPEndPoint remote, CancellationToken cancellation)
    {
        var connecting = socket.ConnectAsync(remote, cancellation);
        if (!connecting.IsFaulted && socket.LocalEndPoint is IPEndPoint local && !slice.Ports.Contains((ushort)local.Port))
        {
            // The port is chosen before the first packet leaves: a foreign one is told at once, and not after the guard's silence.
            socket.Dispose();
            try
            {
                await connecting.ConfigureAwait(false);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                // That is by our own doing.
            }

            throw new PortRangeException($"the kernel chose port {local.Port}, outside the slice {slice}");
        }

        await connecting.ConfigureAwait(false);
    }

    private AddressPorts[] Slices(AddressFamily family) =>
        [.. lease.Slices.Select(s => s.Slice).Where(s => s.Address.IsIPv6 == (family == AddressFamily.InterNetworkV6))];
}
