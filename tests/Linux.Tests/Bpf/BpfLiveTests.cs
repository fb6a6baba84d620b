using System.Net;
using System.Net.Sockets;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Tests.Net;
using SoftUnicast.Model;
using SoftUnicast.Steering;
using SoftUnicast.Steering.Abi;
using SoftUnicast.Tunnels;
using AcceptedEncapsulations = SoftUnicast.Steering.Abi.AcceptedEncapsulations;

namespace SoftUnicast.Linux.Tests.Bpf;

/// <summary>
/// Real packets through the real program, natively:
/// <code>
///   origin o0 ---- b0 landing b1 ---- c0 owner
///   198.51.100.7      10.1.1.1   10.1.1.2, 192.0.2.1:2048-4095
/// </code>
/// What the origin sends to 192.0.2.1 lands on a server that does not own the port and reaches the one that does.
/// </summary>
public class BpfLiveTests
{
    private const int Port = 2100;
    private static readonly IpAddress Shared = IpAddress.Parse("192.0.2.1");
    private static readonly IpAddress Landing = IpAddress.Parse("10.1.1.1");
    private static readonly IpAddress Owner = IpAddress.Parse("10.1.1.2");

    [Theory]
    [InlineData("gue")]
    [InlineData("gre")]
    [InlineData("gre-key")]
    [InlineData("ipip")]
    public void A_datagram_reaches_the_owner_of_its_port_through_a_tunnel(string encapsulation)
    {
        using var lab = new Lab(encapsulation);

        Assert.Equal("hello", lab.Exchange("hello"));

        Assert.Equal(1ul, Lab.Count(lab.LandingPath, Reason.Steered));
        Assert.Equal(1ul, Lab.Count(lab.OwnerPath, Reason.Decapsulated));
    }

    [Fact]
    public void Not_one_datagram_is_lost_while_the_program_is_swapped()
    {
        using var lab = new Lab("gue");

        for (var i = 0; i < 300; i++)
        {
            if (i % 30 == 15)
            {
                lab.RestartLanding();
            }

            Assert.Equal($"datagram {i}", lab.Exchange($"datagram {i}"));
        }

        Assert.Equal(300ul, Lab.Count(lab.LandingPath, Reason.Steered));
    }

    private sealed class Lab : IDisposable
    {
        private readonly NetNamespace origin = new();
        private readonly NetNamespace landing = new();
        private readonly NetNamespace owner = new();
        private readonly BpfPins landingPins = new();
        private readonly BpfPins ownerPins = new();
        private readonly Socket sender;
        private readonly Socket receiver;

        public Lab(string encapsulation)
        {
            try
            {
                Connect(origin, "o0", landing, "b0");
                Connect(landing, "b1", owner, "c0");
                origin.Ip("addr add 198.51.100.7/24 dev o0");
                origin.Ip($"neigh add 198.51.100.1 lladdr {landing.MacOf("b0")} dev o0");
                origin.Ip("route add 192.0.2.0/24 via 198.51.100.1");
                owner.Ip("route add local 192.0.2.0/24 dev lo");
                owner.Ip("route add default dev c0");

                // A local socket leaves the checksum to a card; nobody completes it on the way.
                NetNamespace.Run("nsenter", $"--net=/run/netns/{origin.Name}", "ethtool", "-K", "o0", "tx", "off");

                LandingPath = PinnedSteering.LoadOrAdopt(landingPins.Folder);
                OwnerPath = PinnedSteering.LoadOrAdopt(ownerPins.Folder);
                Write(LandingPath, LandingTable(Kind(encapsulation)));
                Write(OwnerPath, OwnerTable(Kind(encapsulation)));
                landing.Within(() => LandingPath.Attach("b0", XdpMode.Native));
                landing.Within(() => LandingPath.Attach("b1", XdpMode.Native));
                owner.Within(() => OwnerPath.Attach("c0", XdpMode.Native));

                sender = origin.Within(Udp);
                receiver = owner.Within(Udp);
                receiver.Bind(new IPEndPoint(IPAddress.Parse("192.0.2.1"), Port));
                receiver.ReceiveTimeout = 10_000;
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        public PinnedSteering LandingPath { get; private set; }

        public PinnedSteering OwnerPath { get; }

        public string Exchange(string text)
        {
            sender.SendTo(System.Text.Encoding.UTF8.GetBytes(text), new IPEndPoint(IPAddress.Parse("192.0.2.1"), Port));
            var buffer = new byte[256];
            return System.Text.Encoding.UTF8.GetString(buffer, 0, receiver.Receive(buffer));
        }

        public static ulong Count(PinnedSteering path, Reason reason)
        {
            var counters = new SuCounter[AbiLimits.Reasons];
            path.ReadCounters(counters);
            return counters[(int)reason].Packets;
        }

        /// <summary>As a daemon does: lets go, adopts, attaches.</summary>
        public void RestartLanding()
        {
            LandingPath.Dispose();
            LandingPath = PinnedSteering.LoadOrAdopt(landingPins.Folder);
            Assert.Equal(AttachmentChange.Swapped, landing.Within(() => LandingPath.Attach("b0", XdpMode.Native)).Change);
            Assert.Equal(AttachmentChange.Swapped, landing.Within(() => LandingPath.Attach("b1", XdpMode.Native)).Change);
        }

        public void Dispose()
        {
            sender?.Dispose();
            receiver?.Dispose();
            LandingPath?.Dispose();
            OwnerPath?.Dispose();
            landingPins.Dispose();
            ownerPins.Dispose();
            origin.Dispose();
            landing.Dispose();
            owner.Dispose();
        }

        private static Socket Udp() => new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);

        private static void Connect(NetNamespace left, string leftName, NetNamespace right, string rightName)
        {
            left.Ip($"link add {leftName} mtu 1600 type veth peer name {rightName} mtu 1600 netns {right.Name}");
            left.Ip($"link set {leftName} up");
            right.Ip($"link set {rightName} up");
        }

        private static Encapsulation Kind(string encapsulation) => encapsulation switch
        {
            "gue" => new Encapsulation(EncapsulationKind.Gue),
            "gre" => new Encapsulation(EncapsulationKind.Gre),
            "gre-key" => new Encapsulation(EncapsulationKind.Gre, 77),
            _ => new Encapsulation(EncapsulationKind.Ipip),
        };

        private static void Write(PinnedSteering path, SteeringTable table) => Assert.Null(new SteeringWriter(path).Apply(table).Refusal);

        private SteeringTable LandingTable(Encapsulation encapsulation)
        {
            var nextHop = new NextHop(
                landing.IndexOf("b1"), MacAddress.Parse(landing.MacOf("b1")), MacAddress.Parse(owner.MacOf("c0")), null, 1600);
            var endpoint = new SteeringEndpoint(
                Owner, encapsulation, Rank.Datacenter, LinkHeader.Build(nextHop), OuterHeader.Build(Landing, Owner, encapsulation), 1600, nextHop.InterfaceIndex);
            return Pool()
                .SetOwner(Shared, 1, SliceOwner.At(endpoint))
                .AddInterface(new SteeringInterface(landing.IndexOf("b0"), MacAddress.Parse(landing.MacOf("b0")), InterfaceRoles.Internet))
                .AddInterface(new SteeringInterface(landing.IndexOf("b1"), MacAddress.Parse(landing.MacOf("b1")), InterfaceRoles.Backbone))
                .Build();
        }

        private SteeringTable OwnerTable(Encapsulation encapsulation)
        {
            var accepted = (encapsulation.Kind, encapsulation.Key) switch
            {
                (EncapsulationKind.Gue, _) => AcceptedEncapsulations.Gue,
                (EncapsulationKind.Ipip, _) => AcceptedEncapsulations.Ipip,
                (_, null) => AcceptedEncapsulations.Gre,
                _ => AcceptedEncapsulations.GreKey,
            };
            return Pool()
                .SetOwner(Shared, 1, SliceOwner.Here)
                .AddPeer(Landing, Rank.Datacenter)
                .AddLocal(new SteeringLocal(Owner, accepted, encapsulation.Key))
                .AddInterface(new SteeringInterface(owner.IndexOf("c0"), MacAddress.Parse(owner.MacOf("c0")), InterfaceRoles.Backbone))
                .Build();
        }

        private static SteeringTableBuilder Pool() =>
            new SteeringTableBuilder().AddPrefix(IpPrefix.Parse("192.0.2.0/24"), SliceSize.Create(2048), EgressPolicies.None);
    }
}
