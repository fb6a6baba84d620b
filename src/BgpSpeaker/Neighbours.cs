using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using SoftUnicast.BgpSpeaker.Wire;
using Api = SoftUnicast.BgpSpeaker.Gobgp;

namespace SoftUnicast.BgpSpeaker;

/// <summary>What it takes to bring the daemon's neighbours to what the configuration says.</summary>
/// <param name="Foreign">Addresses of neighbours that the speaker did not make.</param>
/// <param name="Remove">Ours, but gone from the configuration or changed in it.</param>
/// <param name="Add">Missing, or changed.</param>
internal sealed record NeighbourDiff(List<string> Foreign, List<string> Remove, List<NeighbourOptions> Add);

/// <summary>Neighbours as the daemon is told of them.</summary>
/// <remarks>
/// The description says whose a neighbour is and ends in a digest of how it was made, so that a restarted speaker finds its own again
/// and leaves the unchanged ones alone. The password is no part of the digest: the daemon shows it itself.
/// </remarks>
internal static class Neighbours
{
    private const string Mark = "softunicast ";

    /// <summary>All our routes are in place before a session exists, so sending waits for no peer's End-of-RIB longer than this.</summary>
    private const uint DeferralSeconds = 1;

    public static string Description(NeighbourOptions neighbour, TimeSpan restartTime)
    {
        var text = string.Create(CultureInfo.InvariantCulture,
            $"1 {neighbour.Address} {neighbour.Asn} {string.Join(',', neighbour.Scopes.Order())} {neighbour.LocalAddress} {neighbour.Port} {neighbour.HoldTime.TotalSeconds} {neighbour.Multihop} {neighbour.TtlSecurity} {neighbour.Passive} {restartTime.TotalSeconds}");
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 6));
        return $"{Mark}{string.Join(' ', neighbour.Scopes.Order().Select(s => s.Word()))} {digest}";
    }

    public static NeighbourDiff Diff(IEnumerable<Api.Peer> there, IEnumerable<NeighbourOptions> wanted, TimeSpan restartTime)
    {
        var diff = new NeighbourDiff([], [], []);
        var missing = wanted.ToDictionary(n => n.Address.ToString());
        foreach (var peer in there)
        {
            var address = peer.Conf?.NeighborAddress ?? "";
            if (peer.Conf is null || !peer.Conf.Description.StartsWith(Mark, StringComparison.Ordinal))
            {
                diff.Foreign.Add(address);
            }
            else if (missing.TryGetValue(address, out var neighbour)
                && peer.Conf.Description == Description(neighbour, restartTime) && peer.Conf.AuthPassword == (neighbour.Password ?? ""))
            {
                missing.Remove(address);
            }
            else
            {
                diff.Remove.Add(address);
            }
        }

        diff.Add.AddRange(missing.Values);
        return diff;
    }

    /// <param name="restarting">True while the daemon comes up: peers are told (RFC 4724) and keep what they had from it.</param>
    public static Api.Peer ToApi(NeighbourOptions neighbour, TimeSpan restartTime, uint localAsn, bool restarting)
    {
        var holdSeconds = (ulong)neighbour.HoldTime.TotalSeconds;
        var peer = new Api.Peer
        {
            Conf = new Api.PeerConf
            {
                NeighborAddress = neighbour.Address.ToString(),
                PeerAsn = neighbour.Asn,
                LocalAsn = localAsn,
                AuthPassword = neighbour.Password ?? "",
                Description = Description(neighbour, restartTime),
            },
            Timers = new Api.Timers
            {
                Config = new Api.TimersConfig { HoldTime = holdSeconds, KeepaliveInterval = Math.Max(1, holdSeconds / 3), ConnectRetry = 5 },
            },
            Transport = new Api.Transport
            {
                LocalAddress = neighbour.LocalAddress?.ToString() ?? "",
                PassiveMode = neighbour.Passive,
                RemotePort = neighbour.Port ?? 0u,
            },
            GracefulRestart = new Api.GracefulRestart
            {
                Enabled = true,
                RestartTime = (uint)restartTime.TotalSeconds,
                DeferralTime = DeferralSeconds,
                LocalRestarting = restarting,
            },
        };
        if (neighbour.Multihop is { } hops)
        {
            peer.EbgpMultihop = new Api.EbgpMultihop { Enabled = true, MultihopTtl = (uint)hops };
        }

        if (neighbour.TtlSecurity)
        {
            peer.TtlSecurity = new Api.TtlSecurity { Enabled = true, TtlMin = 255 };
        }

        foreach (var family in FamiliesOf(neighbour))
        {
            peer.AfiSafis.Add(new Api.AfiSafi
            {
                Config = new Api.AfiSafiConfig { Family = GobgpClient.ToApi(family), Enabled = true },
                MpGracefulRestart = new Api.MpGracefulRestart { Config = new Api.MpGracefulRestartConfig { Enabled = true } },
            });
        }

        return peer;
    }

    /// <summary>FlowSpec sessions carry both families, as FlowSpec has no next hop; a unicast session that of its own addresses.</summary>
    public static IReadOnlyList<Family> FamiliesOf(NeighbourOptions neighbour) =>
        neighbour.IsFlowSpec ? Family.FlowSpec : [Family.Unicast(neighbour.Address.IsIPv6)];
}
