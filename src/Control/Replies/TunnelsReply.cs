using System.Collections.Immutable;
using System.Text.Json.Serialization;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Replies;

/// <summary>A tunnel endpoint in the kernel's table.</summary>
/// <param name="Index">Its place there.</param>
/// <param name="Peer">The server or datacenter that it belongs to.</param>
/// <param name="Rank">datacenter: in this datacenter; backbone: in another.</param>
/// <param name="Slots">How many slots of the table lead to it.</param>
/// <param name="Resolved">False: the next hop's MAC address is not known, packets to it are dropped.</param>
/// <param name="MtuBytes">Largest outer packet.</param>
/// <param name="Bytes">Of the frames as they arrived, before encapsulation.</param>
public sealed record TunnelRow(
    int Index,
    IpAddress Endpoint,
    OwnerRef Peer,
    Encapsulation Encapsulation,
    string Rank,
    int Slots,
    bool Resolved,
    string? Interface,
    MacAddress? NextHop,
    ushort? VlanId,
    int MtuBytes,
    ulong Packets,
    ulong Bytes);

/// <summary><c>show tunnels</c>.</summary>
/// <param name="Local">Endpoints that this server answers for.</param>
public sealed record TunnelsReply(ImmutableArray<LocalEndpoint> Local, ImmutableArray<TunnelRow> Tunnels) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Tunnels;

    public override IEnumerable<string> Lines()
    {
        foreach (var local in Local)
        {
            yield return $"here: {local.Endpoint} ({local.What}) takes {string.Join(", ", local.Accepts)}";
        }

        if (Tunnels.Length == 0)
        {
            yield return "no tunnel is in use";
            yield break;
        }

        foreach (var line in new TextTable<TunnelRow>(Tunnels)
            .Left("endpoint", t => t.Endpoint.ToString())
            .Left("peer", t => t.Peer.ToString())
            .Left("encapsulation", t => t.Encapsulation.ToString())
            .Left("rank", t => t.Rank)
            .Right("slots", t => Units.Count(t.Slots))
            .Left("next hop", t => t.Resolved ? t.NextHop?.ToString() : "! unresolved")
            .Left("interface", t => t.Interface)
            .Right("vlan", t => t.VlanId is { } vlan ? Units.Count((long)vlan) : null)
            .Right("mtu", t => Units.Count(t.MtuBytes))
            .Right("packets", t => Units.Count(t.Packets))
            .Right("bytes", t => Units.Bytes(t.Bytes))
            .Lines())
        {
            yield return line;
        }
    }
}

/// <summary>An outer address that this server decapsulates for.</summary>
/// <param name="What">Whose it is: server, datacenter.</param>
public sealed record LocalEndpoint(IpAddress Endpoint, string What, ImmutableArray<string> Accepts);
