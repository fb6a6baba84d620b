using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>Reads the tree of a server's file.</summary>
internal sealed class ServerReader(DiagnosticBag bag, string fileName, ServerPlaces places)
{
    // sun_path has 108 bytes, the last of them for the end of the string (unix(7)).
    private const int LongestSocketPath = 107;
    private const int LongestInterfaceName = 15;
    private readonly Values values = new(bag);

    /// <returns>Null, or a configuration that means something only if the bag holds no error.</returns>
    public ServerConfig? Read(YamlNode root)
    {
        if (root is YamlMap map && map.Entries.FirstOrDefault(e => e.Key.Text is "datacenters" or "servers" or "pools") is { Key: { } foreign })
        {
            bag.Error(
                foreign.Place,
                $"key '{foreign.Text}' belongs into the fleet or the assignment file; this should be the file of one server",
                "give the file that names them under 'fleet' and 'assignment', usually softunicast.yaml");
            return null;
        }

        if (Section.Open(bag, root, Place.Start, "the server's file", ServerKeys.Root) is not { } file)
        {
            return null;
        }

        var server = ReadServerName(file);
        var fleet = values.FilePath(file.Optional("fleet"), "'fleet'", fileName) ?? ServerYaml.DefaultFleetPath;
        var assignment = values.FilePath(file.Optional("assignment"), "'assignment'", fileName) ?? ServerYaml.DefaultAssignmentPath;
        var interfaces = ReadInterfaces(file);
        var gobgpd = ReadGobgpd(file);
        var bgp = ReadBgp(file, gobgpd);
        var log = ReadLog(file);
        var sockets = ReadSockets(file, gobgpd);
        var pins = ReadPins(file);
        var egress = new EgressReader(bag, places).Read(file);
        var dispatch = new DispatchReader(bag, places).Read(file);
        var naming = new NamingSectionReader(bag, fileName).Read(file, LongestSocketPath);
        return bag.HasErrors ? null : new ServerConfig(server!, fleet, assignment, interfaces, gobgpd, bgp, log, sockets, pins, egress, dispatch, naming);
    }

    private string? ReadServerName(Section file)
    {
        var node = file.Required("server", "write this server's name in the fleet file");
        if (values.Text(node, "'server'") is not { } name || !values.Name((YamlScalar)node!, "server"))
        {
            return null;
        }

        places.Server = (name, node!.Place);
        return name;
    }

    private ImmutableArray<InterfaceConfig> ReadInterfaces(Section file)
    {
        var interfaces = ImmutableArray.CreateBuilder<InterfaceConfig>();
        var roles = InterfaceRoles.None;
        var complete = true;
        if (file.Required("interfaces", "name the interfaces that packets arrive on, each with its role") is not { } node)
        {
            return [];
        }

        foreach (var entry in values.Named(node, "'interfaces'"))
        {
            var name = entry.Key.Text;
            if (!IsInterfaceName(name))
            {
                bag.Error(entry.Key.Place, $"'{Quoted.Short(name)}' is no interface name: 1 to {LongestInterfaceName} visible characters without '/' and ':'");
            }

            var owner = $"interface '{Quoted.Short(name)}'";
            if (Section.Open(bag, entry.Value, entry.Key.Place, owner, ServerKeys.Interface) is not { } section)
            {
                complete = false;
                continue;
            }

            var role = values.Word(
                section.Required("role", "write role: internet, backbone or both"),
                "'role'",
                ("internet", InterfaceRoles.Internet),
                ("backbone", InterfaceRoles.Backbone),
                ("both", InterfaceRoles.Both));
            var mode = values.Word(
                section.Optional("mode"),
                "'mode'",
                ("auto", AttachMode.Auto),
                ("native", AttachMode.Native),
                ("generic", AttachMode.Generic));
            complete &= role is not null;
            roles |= role ?? InterfaceRoles.None;
            interfaces.Add(new InterfaceConfig(name, role ?? InterfaceRoles.None, mode ?? AttachMode.Auto));
        }

        if (complete && node is YamlMap)
        {
            places.Roles = (roles, file.KeyPlace("interfaces"));
            if (!roles.HasFlag(InterfaceRoles.Internet))
            {
                bag.Error(file.KeyPlace("interfaces"), "no interface has the role internet: answers from the Internet would not be seen", "give one role: internet or role: both");
            }
        }

        return interfaces.ToImmutable();
    }

    private static bool IsInterfaceName(string name) => name.Length is > 0 and <= LongestInterfaceName && name is not ("." or "..")
        && !name.AsSpan().ContainsAnyExceptInRange('!', '~') && !name.AsSpan().ContainsAny('/', ':');

    private GobgpdConfig ReadGobgpd(Section file)
    {
        var standard = new GobgpdConfig(ServerYaml.DefaultGobgpdSocket, ServerYaml.DefaultListenPort);
        if (file.Optional("gobgpd") is not { } node
            || Section.Open(bag, node, file.KeyPlace("gobgpd"), "'gobgpd'", ServerKeys.Gobgpd) is not { } section)
        {
            return standard;
        }

        var port = section.Has("listen-port") ? values.Number(section.Optional("listen-port"), "'listen-port'", -1, 65535) : ServerYaml.DefaultListenPort;
        if (port == 0)
        {
            bag.Error(section.Optional("listen-port")!.Place, "'listen-port' cannot be 0", "write -1 if gobgpd shall not listen");
        }

        return new GobgpdConfig(
            values.AbsolutePath(section.Optional("socket"), "'socket'", LongestSocketPath) ?? standard.SocketPath,
            port is > 0 ? (ushort)port : null);
    }

    private BgpConfig ReadBgp(Section file, GobgpdConfig gobgpd)
    {
        if (file.Optional("bgp") is not { } node)
        {
            bag.Warning(file.Place, "there is no 'bgp': nothing is announced and nothing is learned");
            return new BgpConfig(null, []);
        }

        if (Section.Open(bag, node, file.KeyPlace("bgp"), "'bgp'", ServerKeys.Bgp) is not { } section)
        {
            return new BgpConfig(null, []);
        }

        IpAddress? routerId = null;
        if (section.Optional("router-id") is { } idNode)
        {
            routerId = RouterIdReader.Read(values, bag, idNode);
            places.RouterId = routerId is { } id ? (id, idNode.Place) : null;
        }

        return new BgpConfig(routerId, new NeighbourReader(bag, places).Read(section, gobgpd));
    }

    private LogConfig ReadLog(Section file)
    {
        if (file.Optional("log") is not { } node || Section.Open(bag, node, file.KeyPlace("log"), "'log'", ServerKeys.Log) is not { } section)
        {
            return new LogConfig(LogLevel.Info, null);
        }

        var level = values.Word(
            section.Optional("level"),
            "'level'",
            ("trace", LogLevel.Trace),
            ("debug", LogLevel.Debug),
            ("info", LogLevel.Info),
            ("warn", LogLevel.Warn),
            ("error", LogLevel.Error));
        return new LogConfig(level ?? LogLevel.Info, values.AbsolutePath(section.Optional("file"), "'file'"));
    }

    private SocketsConfig ReadSockets(Section file, GobgpdConfig gobgpd)
    {
        var standard = new SocketsConfig(ServerYaml.DefaultControlSocket, ServerYaml.DefaultShowSocket);
        if (file.Optional("sockets") is not { } node
            || Section.Open(bag, node, file.KeyPlace("sockets"), "'sockets'", ServerKeys.Sockets) is not { } section)
        {
            return standard;
        }

        var sockets = new SocketsConfig(
            values.AbsolutePath(section.Optional("control"), "'control'", LongestSocketPath) ?? standard.ControlPath,
            values.AbsolutePath(section.Optional("show"), "'show'", LongestSocketPath) ?? standard.ShowPath,
            values.AbsolutePath(section.Optional("register"), "'register'", LongestSocketPath) ?? standard.RegisterPath);
        if (sockets.ControlPath == sockets.ShowPath)
        {
            bag.Error(
                section.Optional("show")?.Place ?? section.Optional("control")?.Place ?? section.Place,
                $"'control' and 'show' are both {sockets.ShowPath}",
                "whoever may read is not always who may change: give them two sockets");
        }
        else if (sockets.RegisterPath == sockets.ControlPath || sockets.RegisterPath == sockets.ShowPath)
        {
            bag.Error(
                section.Optional("register")?.Place ?? section.Place,
                $"'register' is {sockets.RegisterPath}, which is another socket's path",
                "anyone may connect to 'register', and the rules of 'labels' decide: give it a socket of its own");
        }
        else if (sockets.ControlPath == gobgpd.SocketPath || sockets.ShowPath == gobgpd.SocketPath || sockets.RegisterPath == gobgpd.SocketPath)
        {
            bag.Error(section.Place, $"{gobgpd.SocketPath} is gobgpd's socket");
        }

        return sockets;
    }

    private string ReadPins(Section file)
    {
        var path = values.AbsolutePath(file.Optional("pins"), "'pins'") ?? ServerYaml.DefaultPins;
        if (path.Contains('.', StringComparison.Ordinal))
        {
            bag.Error(file.Optional("pins")!.Place, "'pins' cannot hold a dot: the BPF file system takes none in a name");
        }

        return path;
    }
}
