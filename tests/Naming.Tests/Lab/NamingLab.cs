using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace SoftUnicast.Naming.Tests.Lab;

/// <summary>
/// One network namespace with its loopback up and real DNS servers in it; processes, files and the namespace go with this object.
/// </summary>
internal sealed partial class NamingLab : IAsyncDisposable
{
    private const int CLONE_NEWNET = 0x40000000;
    private const string Prefix = "suname";
    private static int count;
    private readonly List<Daemon> daemons = [];

    private NamingLab(string name, string folder)
    {
        Name = name;
        Folder = folder;
    }

    public string Name { get; }

    /// <summary>For sockets, configuration files and zones; every user may read it, for servers that give up root.</summary>
    public string Folder { get; }

    /// <summary>Skips the test, with the reason, where it cannot run.</summary>
    public static async Task<NamingLab> CreateAsync(params string[] programs)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "needs root, for network namespaces");
        foreach (var program in programs)
        {
            Assert.SkipUnless(Paths().Any(p => File.Exists(Path.Combine(p, program))), $"needs {program}: lab/prepare installs it");
        }

        await SweepAsync();
        var name = string.Create(CultureInfo.InvariantCulture, $"{Prefix}-{Environment.ProcessId}-{Interlocked.Increment(ref count)}");
        var folder = Directory.CreateTempSubdirectory(name + "-").FullName;
        File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        await RunAsync("ip", "netns", "add", name);
        var lab = new NamingLab(name, folder);
        await lab.RunInsideAsync("ip", "link", "set", "lo", "up");
        return lab;
    }

    public string PathOf(string file) => Path.Combine(Folder, file);

    public string Write(string file, string content)
    {
        File.WriteAllText(PathOf(file), content);
        return PathOf(file);
    }

    public Daemon Start(string program, params string[] arguments)
    {
        var daemon = new Daemon(Inside(program, arguments));
        daemons.Add(daemon);
        return daemon;
    }

    /// <summary>A UDP socket of the namespace, connected to a port of its loopback.</summary>
    public Socket UdpSocket(int port)
    {
        Socket? socket = null;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var handle = File.OpenHandle($"/run/netns/{Name}");
                if (SetNs(handle, CLONE_NEWNET) < 0)
                {
                    throw new IOException($"setns: {Marshal.GetLastPInvokeErrorMessage()}");
                }

                socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
                socket.Connect(IPAddress.Loopback, port);
            }
            catch (Exception e) // carried to the caller
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? socket! : throw new InvalidOperationException(failure.Message, failure);
    }

    public async Task<string> RunInsideAsync(string program, params string[] arguments)
    {
        var (code, output, error) = await RunAsync(Inside(program, arguments));
        return code == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {error}{output}");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var daemon in Enumerable.Reverse(daemons))
        {
            await daemon.DisposeAsync();
        }

        await RunAsync("ip", "netns", "del", Name);
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>Waits until the condition holds; says what was awaited if it never does.</summary>
    public static async Task UntilAsync(Func<bool> condition, Func<string> what, int seconds = 30)
    {
        var start = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(start.Elapsed < TimeSpan.FromSeconds(seconds), $"{what()} did not come to pass in {seconds} s");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    private static string[] Paths() => (Environment.GetEnvironmentVariable("PATH") + ":/usr/sbin:/sbin").Split(':');

    private ProcessStartInfo Inside(string program, string[] arguments)
    {
        var start = new ProcessStartInfo("nsenter", [$"--net=/run/netns/{Name}", program, .. arguments])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
        };
        return start;
    }

    // A killed run leaves its namespace: the next one removes it, with what runs in it.
    private static async Task SweepAsync()
    {
        foreach (var line in (await RunAsync("ip", "netns", "list")).Split('\n'))
        {
            var name = line.Split(' ')[0];
            if (name.Split('-') is not [Prefix, var owner, _] || !int.TryParse(owner, out var pid) || Directory.Exists($"/proc/{pid}"))
            {
                continue;
            }

            foreach (var left in (await RunAsync("ip", "netns", "pids", name)).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                using var process = Process.GetProcessById(int.Parse(left, CultureInfo.InvariantCulture));
                process.Kill();
            }

            await RunAsync("ip", "netns", "del", name);
            foreach (var folder in Directory.GetDirectories(Path.GetTempPath(), name + "-*"))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var (code, output, error) = await RunAsync(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true });
        return code == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {error}{output}");
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(ProcessStartInfo start)
    {
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNs(SafeFileHandle fd, int type);
}
