using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Tests.Host;

/// <summary>libsystemd speaks to a datagram socket of the test, which stands for the service manager.</summary>
public sealed partial class HostServiceNotifierTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("sunet-").FullName;

    public void Dispose()
    {
        SetEnvironment("NOTIFY_SOCKET", null);
        SetEnvironment("WATCHDOG_USEC", null);
        SetEnvironment("WATCHDOG_PID", null);
        SetEnvironment("LISTEN_FDS", null);
        SetEnvironment("LISTEN_PID", null);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void The_manager_hears_what_is_said_in_one_datagram_each()
    {
        using var manager = Manager();
        SetEnvironment("WATCHDOG_USEC", "10000000");
        SetEnvironment("WATCHDOG_PID", $"{Environment.ProcessId}");
        var notifier = ServiceNotifier.FromEnvironment();
        Assert.True(notifier.IsSupervised);
        Assert.Equal((TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(5)), (notifier.WatchdogTimeout, notifier.KeepAliveInterval));

        notifier.Ready("steering 62 slices");
        Assert.Equal("READY=1\nSTATUS=steering 62 slices", Hear(manager));
        notifier.Status("two\nlines\nREADY=1");
        Assert.Equal("STATUS=two lines READY=1", Hear(manager)); // text cannot become a field
        notifier.KeepAlive();
        Assert.Equal("WATCHDOG=1", Hear(manager));
        notifier.ExtendTimeout(TimeSpan.FromSeconds(30));
        Assert.Equal("EXTEND_TIMEOUT_USEC=30000000", Hear(manager));
        notifier.Reloading("reading");
        Assert.Matches("^RELOADING=1\nMONOTONIC_USEC=[0-9]+\nSTATUS=reading$", Hear(manager));
        notifier.Stopping("withdrawing");
        Assert.Equal("STOPPING=1\nSTATUS=withdrawing", Hear(manager));
    }

    [Fact]
    public void The_reload_time_is_that_of_CLOCK_MONOTONIC()
    {
        var said = "";
        var notifier = new ServiceNotifier(s => { said = s; return 1; }, null);

        var before = Uptime();
        notifier.Reloading("");
        var after = Uptime();

        Assert.InRange(long.Parse(said.Split('\n')[1].Split('=')[1], System.Globalization.CultureInfo.InvariantCulture), before, after);

        static long Uptime() => System.Diagnostics.Stopwatch.GetTimestamp() / 1000;
    }

    [Fact]
    public void A_watchdog_that_is_another_processs_is_none()
    {
        using var manager = Manager();
        SetEnvironment("WATCHDOG_USEC", "10000000");
        SetEnvironment("WATCHDOG_PID", "1");

        Assert.Null(ServiceNotifier.FromEnvironment().WatchdogTimeout);
    }

    [Fact]
    public void Without_a_manager_nothing_is_said_and_nothing_is_needed()
    {
        SetEnvironment("NOTIFY_SOCKET", null);
        var notifier = ServiceNotifier.FromEnvironment();

        Assert.False(notifier.IsSupervised);
        Assert.Null(notifier.WatchdogTimeout);
        notifier.Ready("alone");
        notifier.KeepAlive();
        notifier.Stopping("alone");
        Assert.Equal(0, ServiceNotifier.PassedSockets());
    }

    [Fact]
    public void With_a_manager_but_without_libsystemd_the_error_says_what_to_install()
    {
        var error = Assert.Throws<InvalidOperationException>(() => ServiceNotifier.FromEnvironment(
            _ => "/run/systemd/notify", _ => throw new DllNotFoundException(), () => throw new DllNotFoundException()));

        Assert.Equal("NOTIFY_SOCKET is set, so a service manager waits for word, but libsystemd.so.0 cannot be loaded: install libsystemd0", error.Message);
    }

    [Fact]
    public void Without_a_manager_libsystemd_is_not_even_loaded()
    {
        var notifier = ServiceNotifier.FromEnvironment(_ => null, _ => throw new DllNotFoundException(), () => throw new DllNotFoundException());

        notifier.Ready("alone");
        Assert.False(notifier.IsSupervised);
    }

    [Fact]
    public void A_manager_that_is_gone_is_an_error_that_names_the_socket()
    {
        Manager().Dispose();
        File.Delete(Path.Combine(folder, "notify"));

        var error = Assert.Throws<SystemCallException>(() => ServiceNotifier.FromEnvironment().KeepAlive());

        Assert.Equal("sd_notify NOTIFY_SOCKET: ENOENT (No such file or directory)", error.Message);
    }

    [Fact]
    public void Sockets_that_the_manager_passed_to_another_process_are_not_ours()
    {
        SetEnvironment("LISTEN_FDS", "2");
        SetEnvironment("LISTEN_PID", "1");

        Assert.Equal(0, ServiceNotifier.PassedSockets());
    }

    private static string Hear(Socket manager)
    {
        var buffer = new byte[4096];
        return Encoding.UTF8.GetString(buffer.AsSpan(0, manager.Receive(buffer)));
    }

    // libsystemd reads the process's own environment, which .NET copies at the start and never writes back.
    private static void SetEnvironment(string name, string? value)
    {
        Environment.SetEnvironmentVariable(name, value);
        Assert.Equal(0, value is null ? UnsetEnv(name) : SetEnv(name, value, 1));
    }

    private Socket Manager()
    {
        var path = Path.Combine(folder, "notify");
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 10_000 };
        socket.Bind(new UnixDomainSocketEndPoint(path));
        SetEnvironment("NOTIFY_SOCKET", path);
        return socket;
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnv(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "unsetenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int UnsetEnv(string name);
}
