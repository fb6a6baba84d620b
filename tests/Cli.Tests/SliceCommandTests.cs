using SoftUnicast.Cli.Offline;
using SoftUnicast.Cli.Slices;
using SoftUnicast.Cli.Tests.Support;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Tests.Support;

namespace SoftUnicast.Cli.Tests;

/// <summary><c>exec</c>, <c>enroll</c> and <c>unit-dropin</c>, and what they say when it cannot be.</summary>
public sealed class SliceCommandTests : IDisposable
{
    private readonly FakeKernel kernel = new();
    private readonly SampleHandler handler = new();
    private readonly StringWriter data = new();
    private readonly StringWriter error = new();

    [Fact]
    public async Task Exec_makes_a_cgroup_has_it_enrolled_enters_it_and_becomes_the_program()
    {
        await using var daemon = TestDaemon.Start(handler: handler);
        await ExecAsync("-s", daemon.SocketPath, "--pool", "us-general", "--", "curl", "-s", "https://example.net");

        Assert.Equal(["make", "enter 4711", "become curl -s https://example.net"], kernel.Done);
        var enroll = Assert.IsType<Enroll>(Assert.Single(handler.Asked));
        Assert.Equal((4711ul, SliceChoice.OfPool("us-general")), (enroll.CgroupId, enroll.Choice));
        Assert.StartsWith($"/user.slice/su-exec-{Environment.ProcessId}-", enroll.Path, StringComparison.Ordinal);
        Assert.Equal("", $"{data}{error}");
    }

    [Fact]
    public async Task Options_behind_the_program_are_the_programs()
    {
        await using var daemon = TestDaemon.Start(handler: handler);
        await ExecAsync("--socket", daemon.SocketPath, "--tag", "country=US", "--tag=product=cdn", "dig", "-v", "--pool", "x");

        Assert.Equal("become dig -v --pool x", kernel.Done[^1]);
        Assert.Equal(SliceChoice.Tagged(new Tag("country", "US"), new Tag("product", "cdn")), Assert.IsType<Enroll>(handler.Asked[0]).Choice);
    }

    [Theory]
    [InlineData("--pool us-nothing", 1, "no pool is named 'us-nothing'; show pools lists the pools\n")]
    [InlineData("--pool de-general", 1, "this server has no slice of pool de-general; show pools tells where there are some\n")]
    [InlineData("--tag country=XX", 1, "no pool has the tag country=XX; show pools lists the tags\n")]
    public async Task When_the_daemon_refuses_no_program_runs_and_no_cgroup_is_left(string choice, int status, string message)
    {
        await using var daemon = TestDaemon.Start(handler: handler);
        Assert.Equal(status, await ExecAsync(["-s", daemon.SocketPath, .. choice.Split(' '), "curl"]));
        Assert.Equal(["make", "remove 4711"], kernel.Done);
        Assert.Equal(("", message), (data.ToString(), error.ToString()));
    }

    [Fact]
    public async Task Without_a_daemon_nothing_is_made()
    {
        Assert.Equal(3, await ExecAsync("-s", "/nonexistent/control.sock", "--pool", "us-general", "curl"));
        Assert.Empty(kernel.Done);
        Assert.StartsWith("softunicastc: /nonexistent/control.sock: the daemon is down: no such socket\n", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task On_the_read_only_socket_exec_is_not_permitted()
    {
        await using var daemon = TestDaemon.Start(AccessLevel.ReadOnly, handler);
        Assert.Equal(4, await ExecAsync("-s", daemon.SocketPath, "--pool", "us-general", "curl"));
        Assert.Equal("access denied: this socket is read-only; connect to the control socket\n", error.ToString());
    }

    [Theory]
    [InlineData("make", true, 4, "mkdir: permission denied; be root, or in a cgroup that is delegated to you", "")]
    [InlineData("enter", true, 4, "mkdir: permission denied; be root, or in a cgroup that is delegated to you", "make remove 4711")]
    [InlineData("make", false, 1, "mkdir: permission denied", "")]
    public async Task A_cgroup_that_the_kernel_refuses_is_told(string call, bool permission, int status, string message, string done)
    {
        kernel.Refused = call;
        kernel.Refusal = new CgroupException("mkdir: permission denied", permission);
        await using var daemon = TestDaemon.Start(handler: handler);
        Assert.Equal(status, await ExecAsync("-s", daemon.SocketPath, "--pool", "us-general", "curl"));
        Assert.Equal($"softunicastc: {message}\n", error.ToString());
        Assert.Equal(done, string.Join(' ', kernel.Done));
    }

    [Fact]
    public async Task A_program_that_is_not_there_ends_with_127()
    {
        kernel.NoProgram = new ProgramException("curl: no such program", 127);
        await using var daemon = TestDaemon.Start(handler: handler);
        Assert.Equal(127, await ExecAsync("-s", daemon.SocketPath, "--pool", "us-general", "curl"));
        Assert.Equal("softunicastc: curl: no such program\n", error.ToString());
    }

    [Theory]
    [InlineData("exec curl", "exec wants to know whose slices: --pool NAME, or --tag KEY=VALUE")]
    [InlineData("exec --pool a --tag b=c curl", "exec takes slices of a --pool, or by --tag: give one of them")]
    [InlineData("exec --pool a/b curl", "--pool wants a pool's name, not 'a/b'")]
    [InlineData("exec --tag country curl", "--tag wants KEY=VALUE, like country=US, not 'country'")]
    [InlineData("exec --pool a", "exec wants a program: softunicastc exec --pool NAME -- PROGRAM [ARGUMENT ...]")]
    [InlineData("exec --pol a curl", "unknown option '--pol'; did you mean '--pool'?")]
    [InlineData("enroll", "enroll wants to know whose slices: --pool NAME, or --tag KEY=VALUE")]
    [InlineData("enroll 4711 --pool a", "enroll takes options, or CGROUP pool POOL, not '4711' and options")]
    [InlineData("unit-dropin --pool a", "unit-dropin wants one unit: softunicastc unit-dropin proxy.service --pool NAME")]
    [InlineData("unit-dropin user.slice --pool a", "'user.slice' is not the name of a service: only services run programs")]
    public async Task A_wrong_command_line_is_a_usage_error(string line, string message)
    {
        var result = await Support.Cli.RunAsync(line.Split(' '));
        Assert.Equal(new CliResult(2, "", $"softunicastc: {message}\n"), result);
    }

    [Theory]
    [InlineData("/system.slice/proxy.service", "own", 7, "/system.slice/proxy.service")]
    [InlineData("/system.slice/proxy.service/.control", "own find /system.slice/proxy.service", 8, "/system.slice/proxy.service")]
    [InlineData("/a b", "own", 7, null)]
    public async Task Enroll_takes_the_cgroup_that_it_runs_in(string own, string done, ulong id, string? path)
    {
        kernel.OwnPath = own;
        await using var daemon = TestDaemon.Start(handler: handler);
        Assert.Equal(0, await EnrollCommand.RunAsync(["-s", daemon.SocketPath, "--pool", "us-general"], Console(), kernel));
        Assert.Equal(done, string.Join(' ', kernel.Done));
        Assert.Equal(new Enroll(id, SliceChoice.OfPool("us-general"), path), Assert.Single(handler.Asked));
        Assert.StartsWith($"cgroup {id}", data.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Enroll_takes_another_cgroup()
    {
        await using var daemon = TestDaemon.Start(handler: handler);
        Assert.Equal(0, await EnrollCommand.RunAsync(["-s", daemon.SocketPath, "--tag", "country=US", "--cgroup", "/a/b"], Console(), kernel));
        Assert.Equal(new Enroll(8, SliceChoice.Tagged(new Tag("country", "US")), "/a/b"), Assert.Single(handler.Asked));
    }

    [Fact]
    public async Task The_root_of_the_tree_is_not_enrolled_by_accident()
    {
        kernel.OwnPath = "/";
        Assert.Equal(1, await EnrollCommand.RunAsync(["--pool", "us-general"], Console(), kernel));
        Assert.Equal("softunicastc: the root of the cgroup tree is every process of this machine; --cgroup names another cgroup\n", error.ToString());
    }

    [Theory]
    [InlineData("enroll 4711 pool us-general")]
    [InlineData("lease pool us-general")]
    [InlineData("release 17")]
    [InlineData("drain slice 192.0.2.1:2048")]
    [InlineData("undrain server")]
    [InlineData("leave 4711")]
    [InlineData("who 192.0.2.1:2050 2026-11-22T12:00:00Z")]
    [InlineData("show pools")]
    [InlineData("show leases")]
    [InlineData("show guard")]
    public async Task Everything_else_is_the_daemons(string line)
    {
        await using var daemon = TestDaemon.Start(handler: handler);
        var result = await Support.Cli.RunAsync(["-s", daemon.SocketPath, .. line.Split(' ')]);
        Assert.Equal((0, ""), (result.Status, result.Error));
        Assert.NotEmpty(result.Data);
    }

    [Theory]
    [InlineData("proxy --pool us-general", "--pool us-general")]
    [InlineData("--tag country=US proxy.service --tag product=cdn", "--tag country=US --tag product=cdn")]
    [InlineData("proxy --pool us-general -s /run/other.sock", "--pool us-general --socket /run/other.sock")]
    public void A_drop_in_enrols_the_service_before_it_starts(string line, string words)
    {
        Assert.Equal(0, UnitDropinCommand.Run(line.Split(' '), Console(), "/usr/local/bin/softunicastc"));
        Assert.Equal(
            $"""
            # /etc/systemd/system/proxy.service.d/softunicast.conf
            # Connections of this service leave from slices of this server. Without the daemon it does not start:
            # put a '-' before the '+' to let it start, with addresses of the server's own.
            [Unit]
            Wants=softunicastd.service
            After=softunicastd.service

            [Service]
            ExecStartPre=+/usr/local/bin/softunicastc enroll {words}

            """,
            data.ToString());
    }

    [Fact]
    public async Task The_real_exec_runs_the_program_in_the_enrolled_cgroup_and_its_exit_status_is_the_programs()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "making cgroups needs root");
        await using var daemon = TestDaemon.Start(handler: handler);
        var result = await Support.Cli.RunAsync("-s", daemon.SocketPath, "exec", "--pool", "us-general", "--", "sh", "-c", "cat /proc/self/cgroup; echo loud >&2; exit 7");
        var enroll = Assert.IsType<Enroll>(Assert.Single(handler.Asked));
        try
        {
            Assert.Equal((7, "loud\n"), (result.Status, result.Error));
            Assert.Contains($"0::{enroll.Path}", result.Data.Split('\n'));
            Assert.Equal(enroll.CgroupId, new KernelCgroups().Find(enroll.Path!).Id);
        }
        finally
        {
            new KernelCgroups().Remove(new CgroupPlace(enroll.CgroupId, enroll.Path!));
        }
    }

    [Theory]
    [InlineData("su-no-such-program", 127)]
    [InlineData("/etc/passwd", 126)]
    public async Task The_real_exec_tells_a_program_that_cannot_be_run(string program, int status)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "making cgroups needs root");
        await using var daemon = TestDaemon.Start(handler: handler);
        var result = await Support.Cli.RunAsync("-s", daemon.SocketPath, "exec", "--pool", "us-general", program);
        var enroll = Assert.IsType<Enroll>(Assert.Single(handler.Asked));
        new KernelCgroups().Remove(new CgroupPlace(enroll.CgroupId, enroll.Path!));
        Assert.Equal((status, ""), (result.Status, result.Data));
        Assert.Contains(program, result.Error, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        data.Dispose();
        error.Dispose();
    }

    private Task<int> ExecAsync(params string[] arguments) => ExecCommand.RunAsync(arguments, Console(), kernel, kernel);

    private Output Console() => new(data, error);
}
