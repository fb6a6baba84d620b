using SoftUnicast.Model;
using SoftUnicast.Steering;
using SoftUnicast.Steering.Abi;
using SoftUnicast.Steering.Tests.Support;

namespace SoftUnicast.Packet.Tests;

/// <summary>
/// The steering table that the rows of packets are written against: this server is 10.1.1.1 in ams.
/// <code>
///   192.0.2.7      lets nothing in          slices of 2,048
///   198.51.100.7   lets everything in, to the owner
///   203.0.113.7    answers echo requests
///   each:  slice 0 nobody   1 here         2 ams by GUE   3 ams by GRE   4 ams by GRE key 7   5 ams by IPIP
///                6 no next hop  7 MTU 100   8 ams, VLAN 100 9 ams, interface 2
///               10 fra by GUE  11 fra by GRE 12 fra by GRE key 9 13 fra by IPIP 14 ams by GUE, MTU 9000
///   10.1.1.2       peer of this datacenter      10.2.1.1  peer of another
///   10.1.1.1       takes off every tunnel header, GRE key 0x01020304      10.255.1.0  GUE only
/// </code>
/// </summary>
internal static class World
{
    public const string Closed = "192.0.2.7";
    public const string Open = "198.51.100.7";
    public const string Answers = "203.0.113.7";
    public const string Near = "10.1.1.2";
    public const string Far = "10.2.1.1";
    public const string Own = "10.1.1.1";
    public const string OwnDatacenter = "10.255.1.0";
    public const string Internet = "100.64.9.9";
    public const uint Key = 0x01020304;

    private static readonly Encapsulation GreEncapsulation = new(EncapsulationKind.Gre);
    private static readonly Encapsulation IpipEncapsulation = new(EncapsulationKind.Ipip);

    public static SteeringEndpoint NearGue { get; } = TestEndpoint.Make(Near);

    public static SteeringEndpoint NearGre { get; } = TestEndpoint.Make(Near, GreEncapsulation);

    public static SteeringEndpoint NearGreKey { get; } = TestEndpoint.Make(Near, new Encapsulation(EncapsulationKind.Gre, 7));

    public static SteeringEndpoint NearIpip { get; } = TestEndpoint.Make(Near, IpipEncapsulation);

    public static SteeringEndpoint Unresolved { get; } = TestEndpoint.Make("10.1.1.3", resolved: false);

    public static SteeringEndpoint Narrow { get; } = TestEndpoint.Make("10.1.1.4", mtu: 100);

    public static SteeringEndpoint Tagged { get; } = TestEndpoint.Make("10.1.1.5", vlan: 100);

    public static SteeringEndpoint Elsewhere { get; } = TestEndpoint.Make("10.1.1.6", interfaceIndex: 2);

    public static SteeringEndpoint FarGue { get; } = TestEndpoint.Make(Far, rank: Rank.Backbone);

    public static SteeringEndpoint FarGre { get; } = TestEndpoint.Make(Far, GreEncapsulation, Rank.Backbone);

    public static SteeringEndpoint FarGreKey { get; } = TestEndpoint.Make(Far, new Encapsulation(EncapsulationKind.Gre, 9), Rank.Backbone);

    public static SteeringEndpoint FarIpip { get; } = TestEndpoint.Make(Far, IpipEncapsulation, Rank.Backbone);

    public static SteeringEndpoint Wide { get; } = TestEndpoint.Make("10.1.1.7", mtu: 9000);

    private static SteeringEndpoint[] Endpoints { get; } =
        [NearGue, NearGre, NearGreKey, NearIpip, Unresolved, Narrow, Tagged, Elsewhere, FarGue, FarGre, FarGreKey, FarIpip, Wide];

    /// <summary>A port in the middle of a slice.</summary>
    public static int Port(int slice) => (slice * 2048) + 1000;

    /// <summary>A port of the slice that this endpoint owns.</summary>
    public static int PortOf(SteeringEndpoint endpoint) => Port(Array.IndexOf(Endpoints, endpoint) + 2);

    public static SteeringTable Table(InterfaceRoles roles = InterfaceRoles.Both)
    {
        var builder = new SteeringTableBuilder();
        AddPool(builder, Closed, EgressPolicies.None);
        AddPool(builder, Open, EgressPolicies.OpenToOwner | EgressPolicies.EchoToOwner);
        AddPool(builder, Answers, EgressPolicies.EchoAnswer);
        builder.AddPeer(IpAddress.Parse(Near), Rank.Datacenter).AddPeer(IpAddress.Parse(Far), Rank.Backbone);
        builder.AddLocal(new SteeringLocal(IpAddress.Parse(Own), (AcceptedEncapsulations)15, Key));
        builder.AddLocal(new SteeringLocal(IpAddress.Parse(OwnDatacenter), AcceptedEncapsulations.Gue));
        builder.AddInterface(new SteeringInterface(Comparison.Ingress, MacAddress.FromBytes(TestEndpoint.OwnMac), roles));
        return builder.Build();
    }

    private static void AddPool(SteeringTableBuilder builder, string address, EgressPolicies policies)
    {
        var at = IpAddress.Parse(address);
        builder.AddPrefix(IpPrefix.Covering(at, 24), SliceSize.Create(2048), policies).SetOwner(at, 1, SliceOwner.Here);
        for (var i = 0; i < Endpoints.Length; i++)
        {
            builder.SetOwner(at, i + 2, SliceOwner.At(Endpoints[i]));
        }
    }
}
