using System.Net;
using System.Net.Sockets;
using SoftUnicast.Control;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Model;

namespace SoftUnicast.Client;

/// <summary>
/// Connected UDP sockets from the slices of a lease; sockets to different destinations share ports, and no two live ones ever
/// have the same 4-tuple. The daemon holds the port for the destination while the socket is bound and locked: docs/cli.md,
/// "Sharing a UDP port".
/// </summary>
public static class SharedUdp
{
    // Longer than a hold: that of a client that died is over by then.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(8);

    /// <param name="lease">Of kind Explicit.</param>
    /// <returns>A connected socket.</returns>
    /// <exception cref="LeaseRevokedException">The lease is over.</exception>
    /// <exception cref="NoPortLeftException">
    /// Every port of the lease has a flow to this destination, or is being taken by somebody who does not come to an end.
    /// </exception>
    /// <exception cref="DaemonUnreachableException">The daemon is down: it is asked for each socket.</exception>
    public static async Task<Socket> ConnectAsync(SliceLease lease, IPEndPoint remote, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(lease);
        ArgumentNullException.ThrowIfNull(remote);
        if (lease.Kind != LeaseKind.Explicit)
        {
            throw new ArgumentException("late binding and explicit binding break each other: lease slices of kind Explicit", nameof(lease));
        }

        lease.ThrowIfRevoked();
        using var session = await DaemonSession.OpenAsync(lease.SocketPath, cancellation).ConfigureAwait(false);
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            if (await TryAsync(session, lease, remote, cancellation).ConfigureAwait(false) is { } socket)
            {
                return socket;
            }

            if (TimeProvider.System.GetElapsedTime(began) > Patience)
            {
                throw new NoPortLeftException($"the ports of lease {lease.Id} that are left towards {remote} are being taken by somebody else", null);
            }

            await Task.Delay(LongestPause * Random.Shared.NextDouble(), cancellation).ConfigureAwait(false);
        }
    }

    /// <returns>Null if somebody else was faster.</returns>
    private static async Task<Socket?> TryAsync(DaemonSession session, SliceLease lease, IPEndPoint remote, CancellationToken cancellation)
    {
        HoldReply hold;
        try
        {
            hold = await session.AskAsync<HoldReply>($"hold {lease.Id} to {remote}", cancellation).ConfigureAwait(false);
        }
        catch (LeaseRevokedException e)
        {
            lease.Revoke(e);
            throw;
        }
        catch (SliceException e) when (e.Code == ReplyCode.NoSlice)
        {
            throw new NoPortLeftException(e.Message, e);
        }
        catch (SliceException e) when (e.Code == ReplyCode.PortTaken)
        {
            return null;
        }

        var socket = new Socket(remote.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            SocketOptions.SetReuseAddress(socket, true);
            if (!TryBind(socket, hold.Address, hold.Port))
            {
                socket.Dispose();
                await LetGoAsync(session, hold, cancellation).ConfigureAwait(false);
                return null;
            }

            // From here until it is set again nobody else can bind to the port.
            SocketOptions.SetReuseAddress(socket, false);
            await session.AskAsync<HoldReply>($"bound {hold.Token}", cancellation).ConfigureAwait(false);
            await socket.ConnectAsync(remote, cancellation).ConfigureAwait(false);
            SocketOptions.SetReuseAddress(socket, true);
            return socket;
        }
        catch (SliceException e) when (e.Code == ReplyCode.PortTaken)
        {
            socket.Dispose();
            return null;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // Else the port would be held for the destination until the hold runs out, and whoever tries again finds one port less.
    private static async Task LetGoAsync(DaemonSession session, HoldReply hold, CancellationToken cancellation)
    {
        try
        {
            await session.AskAsync<HoldReply>($"bound {hold.Token}", cancellation).ConfigureAwait(false);
        }
        catch (SliceException e) when (e is not DaemonUnreachableException)
        {
            // Whatever the answer, it is over; of a lease that is over too the next hold is told.
        }
    }

    private static bool TryBind(Socket socket, IpAddress address, ushort port)
    {
        try
        {
            socket.Bind(new IPEndPoint(new IPAddress(address.ToBytes()), port));
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            return false;
        }
    }
}
