using System.Text;
using SoftUnicast.Model;

namespace SoftUnicast.Config.Tests;

public class ServerYamlTests
{
    [Fact]
    public void The_example_says_what_its_comments_say()
    {
        var config = ServerYaml.Read("/etc/softunicast/softunicast.yaml", File.ReadAllBytes(Path.Combine(Files.Etc, "softunicast.yaml"))).Value!;
        Assert.Equal("ams-1", config.Server);
        Assert.Equal("/etc/softunicast/fleet.yaml", config.FleetPath);
        Assert.Equal(
            [new InterfaceConfig("eth0", InterfaceRoles.Internet, AttachMode.Auto), new InterfaceConfig("eth1", InterfaceRoles.Backbone, AttachMode.Auto)],
            config.Interfaces);
        Assert.Equal(new GobgpdConfig("/run/gobgpd/gobgpd.sock", 179), config.Gobgpd);
        Assert.Equal(IpAddress.Parse("10.1.1.1"), config.Bgp.RouterId);
        Assert.Equal(
            new NeighbourConfig(
                IpAddress.Parse("10.1.0.1"), 64601, NeighbourScopes.Internet | NeighbourScopes.Underlay, IpAddress.Parse("10.1.0.2"),
                TimeSpan.FromSeconds(9), "/etc/softunicast/md5", null, false, false),
            config.Bgp.Neighbours[0]);
        Assert.Equal((IpAddress.Parse("2001:db8:0:1::1"), 4), (config.Bgp.Neighbours[1].Address, config.Bgp.Neighbours[1].MultihopTtl));
        Assert.Equal([NeighbourScopes.Datacenter, NeighbourScopes.Backbone], config.Bgp.Neighbours.Skip(2).Select(n => n.Scopes));
        Assert.Equal(new LogConfig(LogLevel.Info, "/var/log/softunicast/softunicastd.log"), config.Log);
    }

    [Fact]
    public void What_is_not_said_has_its_default()
    {
        var config = ServerYaml.Read("x.yaml", "server: ams-1\ninterfaces: { eth0: { role: both } }\nbgp: { neighbours: [{ address: 10.1.0.1, as: 64601, scopes: [internet] }] }\n").Value!;
        Assert.Equal((ServerYaml.DefaultFleetPath, ServerYaml.DefaultAssignmentPath), (config.FleetPath, config.AssignmentPath));
        Assert.Equal([new InterfaceConfig("eth0", InterfaceRoles.Both, AttachMode.Auto)], config.Interfaces);
        Assert.Equal(new GobgpdConfig(ServerYaml.DefaultGobgpdSocket, 179), config.Gobgpd);
        Assert.Null(config.Bgp.RouterId);
        Assert.Equal(
            new NeighbourConfig(IpAddress.Parse("10.1.0.1"), 64601, NeighbourScopes.Internet, null, TimeSpan.FromSeconds(9), null, null, false, false),
            config.Bgp.Neighbours.Single());
        Assert.Equal(new LogConfig(LogLevel.Info, null), config.Log);
        Assert.Equal(new SocketsConfig(ServerYaml.DefaultControlSocket, ServerYaml.DefaultShowSocket), config.Sockets);
        Assert.Equal(ServerYaml.DefaultPins, config.PinsPath);
    }

    [Theory]
    [InlineData("/etc/softunicast/softunicast.yaml", "fleet.yaml", "/etc/softunicast/fleet.yaml")]
    [InlineData("/lab/ams-1/softunicast.yaml", "../fleet.yaml", "/lab/ams-1/../fleet.yaml")]
    [InlineData("softunicast.yaml", "fleet.yaml", "fleet.yaml")]
    [InlineData("conf/softunicast.yaml", "fleet.yaml", "conf/fleet.yaml")]
    [InlineData("conf/softunicast.yaml", "/srv/fleet.yaml", "/srv/fleet.yaml")]
    public void A_relative_path_starts_at_the_folder_of_the_file(string file, string written, string expected)
    {
        var text = Files.GoodText("server-small.yaml").Replace("fleet: fleet.yaml", $"fleet: {written}", StringComparison.Ordinal);
        Assert.Equal(expected, ServerYaml.Read(file, text).Value!.FleetPath);
    }

    [Fact]
    public void A_listen_port_of_minus_one_means_that_gobgpd_does_not_listen() =>
        Assert.Null(ServerYaml.Read("x.yaml", "gobgpd: { listen-port: -1 }\n" + Files.GoodText("server-small.yaml")).Value!.Gobgpd.ListenPort);

    [Fact]
    public void A_server_without_neighbours_is_a_warning_and_usable()
    {
        var result = ServerYaml.Read("x.yaml", "server: ams-1\ninterfaces: { eth0: { role: internet } }\n");
        Assert.NotNull(result.Value);
        Assert.Equal([Severity.Warning], result.Diagnostics.Select(d => d.Severity));
    }

    [Fact]
    public void Against_its_fleet_a_fitting_file_has_no_diagnostic() =>
        Assert.Empty(ServerYaml.Read("x.yaml", Files.Good("server-small.yaml"), Files.SmallFleet()).Diagnostics);

    [Fact]
    public void A_fleet_of_one_server_needs_no_backbone_interface_and_no_flowspec_session()
    {
        var fleet = FleetYaml.Read("f.yaml", "{ fleet: { as: 64512 }, datacenters: { ams: { endpoint: 10.255.1.0 } }, servers: { ams-1: { datacenter: ams, endpoint: 10.1.1.1 } }, pools: { us: { prefix: 192.0.2.0/24, datacenters: [ams] } } }").Value!;
        var result = ServerYaml.Read("x.yaml", "server: ams-1\ninterfaces: { eth0: { role: internet } }\nbgp: { neighbours: [{ address: 10.1.0.1, as: 64601, scopes: [internet] }] }\n", fleet);
        Assert.Empty(result.Diagnostics);
    }

    [Fact]
    public void What_is_dispatched_is_read_with_every_port_as_a_binding_of_its_own()
    {
        var dispatch = ServerYaml.Read("x.yaml", File.ReadAllBytes(Path.Combine(Files.Etc, "softunicast.yaml"))).Value!.Dispatch!;

        Assert.Equal([("web", AnnounceWhen.Served)], dispatch.Pools.Select(p => (p.Name, p.Announce)));
        Assert.Equal(["198.51.96.0/20", "2001:db8:4000::/44"], dispatch.Pools[0].Prefixes.Select(p => p.ToString()));
        var rights = Assert.Single(dispatch.Labels);
        Assert.Equal(("www", "www-data", "web"), (rights.Label.ToString(), Assert.Single(rights.Users), Assert.Single(rights.Groups)));
        Assert.Equal(
            ["www tcp 198.51.96.0/20 80", "www tcp 198.51.96.0/20 443", "www tcp 198.51.96.0/20 8000-8010", "www tcp 2001:db8:4000::/44 80", "www tcp 2001:db8:4000::/44 443"],
            dispatch.Bindings.Select(b => b.ToString()));
        Assert.True(dispatch.SetsKernel);
    }

    [Fact]
    public void Without_their_sections_nothing_is_dispatched_and_no_name_answered()
    {
        var config = ServerYaml.Read("x.yaml", Files.Good("server-small.yaml")).Value!;
        Assert.Null(config.Dispatch);
        Assert.Null(config.Naming);
        Assert.Equal("/run/softunicast/register.sock", config.Sockets.RegisterPath);
    }

    [Theory]
    [InlineData("{}", "/etc/softunicast/naming.yaml", "/run/softunicast", null, null, "/var/lib/softunicast/naming.json")]
    [InlineData("{ file: names.yaml, dnsdist: /run/a, pdns: /run/p, pdns-group: pdns, state: /var/s }", "/etc/x/names.yaml", "/run/a", "/run/p", "pdns", "/var/s")]
    public void Where_names_are_answered_is_read(string section, string file, string dnsdist, string? pdns, string? group, string state)
    {
        var text = Encoding.UTF8.GetString(Files.Good("server-small.yaml")) + $"naming: {section}\n";
        var naming = ServerYaml.Read("/etc/x/softunicast.yaml", text).Value!.Naming!;
        Assert.Equal((file, dnsdist, pdns, group, state), (naming.FilePath, naming.DnsdistFolder, naming.PdnsSocketPath, naming.PdnsGroup, naming.StatePath));
        Assert.Empty(naming.AlsoAnnounced);
    }
}
