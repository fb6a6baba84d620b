using Google.Protobuf.WellKnownTypes;
using SoftUnicast.Model;
using Api = SoftUnicast.BgpSpeaker.Gobgp;

namespace SoftUnicast.BgpSpeaker;

/// <summary>Reads what the daemon says of a neighbour. Pure.</summary>
internal static class Sessions
{
    /// <summary>A neighbour that never says End-of-RIB has had this long to send its table.</summary>
    private static readonly TimeSpan SilentTableTime = TimeSpan.FromSeconds(10);

    /// <summary>One that said it for some families, but may not speak the others, has had this long.</summary>
    private static readonly TimeSpan PartialTableTime = TimeSpan.FromSeconds(3);

    /// <summary>All but the routes that count, which the daemon does not know.</summary>
    public static SessionStatus Read(NeighbourOptions neighbour, Api.Peer? peer, DateTimeOffset now)
    {
        if (peer is null)
        {
            return new SessionStatus(neighbour.Address, neighbour.Asn, neighbour.Scopes, SessionState.Unknown, null, 0, 0, 0, 0, false, "gobgpd does not have it yet");
        }

        var state = peer.State?.SessionState is >= 1 and <= 6 ? (SessionState)peer.State.SessionState : SessionState.Unknown;
        var established = state == SessionState.Established;
        var since = Time(established ? peer.Timers?.State?.Uptime : peer.Timers?.State?.Downtime);
        // The daemon counts the End-of-RIB that it owes a peer with graceful restart as one more route of each family.
        var endOfRib = peer.State?.RemoteCap.Any(c => c.TypeUrl.EndsWith(".GracefulRestartCapability", StringComparison.Ordinal)) == true ? 1 : 0;
        long received = 0, advertised = 0;
        foreach (var family in peer.AfiSafis)
        {
            received += (long)(family.State?.Received ?? 0);
            advertised += Math.Max(0, (long)(family.State?.Advertised ?? 0) - endOfRib);
        }

        return new SessionStatus(neighbour.Address, neighbour.Asn, neighbour.Scopes, state, since, received, 0, established ? advertised : 0,
            (long)(peer.State?.Messages?.Received?.Discarded ?? 0), established && TableReceived(peer, since, now), established ? null : Problem(neighbour, peer, state));
    }

    private static bool TableReceived(Api.Peer peer, DateTimeOffset? since, DateTimeOffset now)
    {
        var ended = peer.AfiSafis.Count(f => f.MpGracefulRestart?.State?.EndOfRibReceived == true);
        var lasted = since is { } start ? now - start : TimeSpan.Zero;
        return ended == peer.AfiSafis.Count || (ended > 0 && lasted >= PartialTableTime) || lasted >= SilentTableTime;
    }

    private static string Problem(NeighbourOptions neighbour, Api.Peer peer, SessionState state)
    {
        var sent = peer.State?.Messages?.Sent;
        var received = peer.State?.Messages?.Received;
        return peer.State?.AdminState switch
        {
            1 => "shut down by hand in gobgpd",
            2 => "it sent more routes than the prefix limit allows",
            _ when received?.Notification > 0 =>
                $"it closed the session with a NOTIFICATION: does it expect AS and address of this server, and the families {string.Join(" and ", Neighbours.FamiliesOf(neighbour))}? Its log names the reason",
            _ when sent?.Notification > 0 =>
                $"this side closed the session with a NOTIFICATION: is its AS really {neighbour.Asn}, its router id unlike ours, its hold time at least 3 s? gobgpd's log names the reason",
            _ when state is SessionState.OpenSent or SessionState.OpenConfirm => "connected, the session is being opened",
            _ when sent?.Open > 0 => "the session was lost; it is being connected again",
            _ when neighbour.Passive => "it has not connected yet (passive)",
            _ => "no TCP connection yet: is it up, does it listen, do addresses and TCP MD5 password agree on both sides?",
        };
    }

    private static DateTimeOffset? Time(Timestamp? timestamp) =>
        timestamp is { Seconds: > 0 } ? timestamp.ToDateTimeOffset() : null;
}
