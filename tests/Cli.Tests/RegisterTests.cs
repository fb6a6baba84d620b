using System.Globalization;
using System.Net;
using System.Net.Sockets;
using SoftUnicast.Cli.Services;
using SoftUnicast.Cli.Slices;
using SoftUnicast.Cli.Tests.Support;
using SoftUnicast.Control;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Tests.Support;
using SoftUnicast.Control.Wire;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;

namespace SoftUnicast.Cli.Tests;

/// <summary><c>register</c>: which sockets are sent, what is run then, and what it says when it cannot be.</summary>
public sealed class RegisterTests : IDisposable
{
    private readonly FakeProgram program = new();
    private readonly SampleHandler handler = new();
    private readonly StringWriter data = new();
    private readonly StringWriter error = new();
    private readonly Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Socket udp = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);

    public RegisterTests()
    {
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        udp.Bind(new IPEndPoint(IPAddress.Any, 0));
    }

    private static string Pid => Environment.ProcessId.ToString(CultureInfo.InvariantCulture);

    private string TcpPort => ((IPEndPoint)listener.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture);

    private string UdpPort => ((IPEndPoint)udp.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture);

    [Fact]
    public async Task The_sockets_of_a_process_on_a_port_are_sent_with_the_request()
    {
        await using var daemon = StartDaemon();

        Assert.Equal(0, await RegisterAsync("-s", daemon.SocketPath, "www", "--pid", Pid, "--port", $"tcp:{TcpPort}", "--replace"));
        Assert.Equal(0, await RegisterAsync("-s", daemon.SocketPath, "dns", "exact", "--pid", Pid, "--port", UdpPort));
        Assert.Equal(0, await RegisterAsync("-s", daemon.SocketPath, "www", "--pid", Pid, "--fd", ((int)listener.Handle).ToString(CultureInfo.InvariantCulture)));

        Assert.Equal([new Register(Label.Parse("www"), true, false), new Register(Label.Parse("dns"), false, true), new Register(Label.Parse("www"), false, false)], handler.Asked);
        Assert.Equal([1, 1, 1], handler.SocketsTaken);
        Assert.StartsWith("label  protocol  family  slot  cookie  alone\n", data.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_is_asked_for_with_the_sockets_all_the_same()
    {
        await using var daemon = StartDaemon();
        Assert.Equal(0, await RegisterAsync("-s", daemon.SocketPath, "www", "--json", "--pid", Pid, "--port", TcpPort));
        Assert.StartsWith("{\n  \"label\": \"www\",\n", data.ToString(), StringComparison.Ordinal);
        Assert.Equal([1], handler.SocketsTaken);
    }

    [Fact]
    public async Task What_stands_behind_the_dashes_is_run_when_the_sockets_were_taken()
    {
        await using var daemon = StartDaemon();
        await RegisterAsync("-s", daemon.SocketPath, "www", "--pid", Pid, "--port", TcpPort, "--", "service", "--port", "80");
        Assert.Equal(["become service --port 80"], program.Done);
        Assert.Equal("", $"{data}{error}");
    }

    [Fact]
    public async Task Nothing_is_run_when_they_were_not()
    {
        await using var daemon = StartDaemon(AccessLevel.ReadOnly);
        Assert.Equal(4, await RegisterAsync("-s", daemon.SocketPath, "www", "--pid", Pid, "--port", TcpPort, "--", "service"));
        Assert.Empty(program.Done);
        Assert.Equal("access denied: this socket is read-only; connect to the register socket\n", error.ToString());
    }

    [Fact]
    public async Task Without_a_daemon_nothing_is_run()
    {
        Assert.Equal(3, await RegisterAsync("-s", "/nonexistent/register.sock", "--wait", "0.3", "www", "--pid", Pid, "--port", TcpPort, "--", "service"));
        Assert.Empty(program.Done);
        Assert.Equal("softunicastc: /nonexistent/register.sock: the daemon is down: no such socket\n", error.ToString());
    }

    /// <param name="arguments">With @ for this process's id; so the message.</param>
    [Theory]
    [InlineData(2, "--pid @ --port 1", "register wants a label: softunicastc register LABEL [--pid PID] [-- PROGRAM ...]")]
    [InlineData(2, "-x", "unknown option '-x'; --help lists the options")]
    [InlineData(2, "www api --pid @", "register takes one label, not 'api' too; a program stands after --")]
    [InlineData(2, "w/w --pid @", "'w/w' is not a label: 1 to 55 letters, digits, '-', '_' and '.', the first a letter or a digit")]
    [InlineData(2, "www --pid @ --", "there is no program after --")]
    [InlineData(2, "www --pid @ --name http", "--name is about sockets of the service manager, --pid about those of a process: give one of them")]
    [InlineData(2, "www --fd 3", "--fd names a descriptor of a process: give --pid too")]
    [InlineData(2, "www --pid me", "--pid wants a number, not 'me'")]
    [InlineData(2, "www --pid @ --port sctp:5", "--port wants PORT, tcp:PORT or udp:PORT, not 'sctp:5'")]
    [InlineData(2, "www --pid @ --port 0", "--port wants PORT, tcp:PORT or udp:PORT, not '0'")]
    [InlineData(2, "www --wait x", "--wait wants seconds, at most 86400, not 'x'")]
    [InlineData(1, "www", "the service manager passed no sockets (LISTEN_FDS is not set for this process): give --pid, or run this in a unit with a .socket")]
    [InlineData(1, "www --pid @ --port 1", "process @ has no socket that can serve on that port: TCP ones listen, UDP ones are bound and not connected")]
    [InlineData(1, "www --pid 2147483647", "pidfd_open process 2147483647: ESRCH (No such process): there is no such process")]
    public async Task What_is_wrong_is_said_and_nothing_sent(int status, string arguments, string message)
    {
        Assert.Equal(status, await RegisterAsync([.. arguments.Replace("@", Pid, StringComparison.Ordinal).Split(' ')]));
        Assert.Equal($"softunicastc: {message.Replace("@", Pid, StringComparison.Ordinal)}\n", error.ToString());
        Assert.Empty(handler.Asked);
    }

    public void Dispose()
    {
        listener.Dispose();
        udp.Dispose();
        data.Dispose();
        error.Dispose();
    }

    private TestDaemon StartDaemon(AccessLevel access = AccessLevel.Register) => TestDaemon.Start(async (stream, stopping) =>
    {
        await using var descriptors = new DescriptorStream(stream.Socket);
        await new ControlServer(handler, "0.1.0", new ControlLimits(), TimeProvider.System)
            .ServeAsync(descriptors, access, default, stopping, descriptors.TakeDescriptors);
    });

    private async Task<int> RegisterAsync(params string[] arguments)
    {
        try
        {
            return await RegisterCommand.RunAsync(arguments, new Output(data, error), program);
        }
        catch (UsageException e)
        {
            error.Write($"softunicastc: {e.Message}\n");
            return ExitStatus.Usage;
        }
    }

    private sealed class FakeProgram : IProgram
    {
        public List<string> Done { get; } = [];

        public void TakeName(string program) => Done.Add($"name {program}");

        public void Become(IReadOnlyList<string> words) => Done.Add($"become {string.Join(' ', words)}");
    }
}
