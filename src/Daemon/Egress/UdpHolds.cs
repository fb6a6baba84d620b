using System.Security.Cryptography;
using SoftUnicast.Control;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Egress;
using SoftUnicast.Linux.Net;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.Egress;

/// <summary>
/// Lets flows to different destinations share a UDP port, and keeps two sockets from the same 4-tuple: while a client binds, its
/// port is held for its destination, and the kernel is asked before and after.
/// </summary>
internal sealed class UdpHolds(SliceHolders holders, SocketCensus census, SliceBook book, TimeProvider time)
{
    private const int MostTries = 64;
    private static readonly TimeSpan HeldFor = TimeSpan.FromSeconds(2);
    private readonly Dictionary<string, Held> byToken = [];
    private readonly Dictionary<(SocketEnd Local, SocketEnd Remote), string> byFlow = [];

    public Answer<HoldReply> Hold(Hold command, ControlPeer peer)
    {
        var (lease, error) = holders.Find(command.LeaseId, peer);
        if (lease is null)
        {
            return error!;
        }

        if (lease.Use != SliceUse.Explicit)
        {
            return new ErrorReply(ReplyCode.NoSlice, $"lease {command.LeaseId} is not explicit: the kernel chooses its ports", "lease with kind explicit");
        }

        if (command.Remote.IsIPv6)
        {
            return new ErrorReply(ReplyCode.NoSlice, $"{command.Remote} is IPv6; slices are of IPv4 addresses", null);
        }

        Expire();
        var remote = new SocketEnd(command.Remote, command.RemotePort);
        foreach (var slice in lease.Slices.Where(book.IsOpen))
        {
            // Random start and odd stride: every port once, in an order that nobody can tell (RFC 6056 3.3).
            var count = slice.Ports.Count;
            var start = RandomNumberGenerator.GetInt32(count);
            var stride = (RandomNumberGenerator.GetInt32(count / 2) * 2) + 1;
            for (var i = 0; i < Math.Min(count, MostTries); i++)
            {
                var local = new SocketEnd(slice.Address, (ushort)(slice.Ports.First + ((start + (i * stride)) % count)));
                if (!IsHeld(local, remote) && IsFree(local, remote))
                {
                    return Add(command.LeaseId, local, remote);
                }
            }
        }

        return new ErrorReply(ReplyCode.PortTaken, $"no port of lease {command.LeaseId} was found free for {remote} in {MostTries} tries", "lease another slice, or try again");
    }

    public Answer<HoldReply> Bound(Bound command, ControlPeer peer)
    {
        if (!byToken.TryGetValue(command.Token, out var held))
        {
            return new ErrorReply(ReplyCode.LeaseUnknown, "there is no such hold", "hold again");
        }

        if (holders.Find(held.Lease, peer).Error is { } error)
        {
            return error;
        }

        // Looked at before the port may be held for that destination again.
        var inTime = time.GetElapsedTime(held.Since) < HeldFor;
        var isAlone = census.Sockets.With(SocketProtocol.Udp, held.Local, held.Remote).IsEmpty;
        Drop(command.Token, held);
        return inTime && isAlone
            ? Reply(command.Token, held, HoldState.Yours)
            : new ErrorReply(ReplyCode.PortTaken, inTime ? $"somebody else sends from {held.Local} to {held.Remote}" : $"the hold on {held.Local} ran out after {HeldFor.TotalSeconds:0} s", "close the socket and hold again");
    }

    /// <summary>No socket has the 4-tuple, and none is bound there without being connected: that one has the port for itself.</summary>
    private bool IsFree(SocketEnd local, SocketEnd remote) =>
        census.Sockets.At(SocketProtocol.Udp, local).All(s => s.Remote.Port != 0 && s.Remote != remote);

    private bool IsHeld(SocketEnd local, SocketEnd remote) =>
        byFlow.TryGetValue((local, remote), out var token) && time.GetElapsedTime(byToken[token].Since) < HeldFor;

    private HoldReply Add(string lease, SocketEnd local, SocketEnd remote)
    {
        var token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        var held = new Held(lease, local, remote, time.GetTimestamp());
        byToken.Add(token, held);
        byFlow[(local, remote)] = token;
        return Reply(token, held, HoldState.Held);
    }

    private static HoldReply Reply(string token, Held held, HoldState state) =>
        new(token, state, held.Lease, held.Local.Address, held.Local.Port, held.Remote.Address, held.Remote.Port, HeldFor);

    // A hold that ran out is told so for as long again, then forgotten.
    private void Expire()
    {
        foreach (var (token, held) in byToken.Where(h => time.GetElapsedTime(h.Value.Since) >= HeldFor * 2).ToList())
        {
            Drop(token, held);
        }
    }

    private void Drop(string token, Held held)
    {
        byToken.Remove(token);
        if (byFlow.GetValueOrDefault((held.Local, held.Remote)) == token)
        {
            byFlow.Remove((held.Local, held.Remote));
        }
    }

    private sealed record Held(string Lease, SocketEnd Local, SocketEnd Remote, long Since);
}
