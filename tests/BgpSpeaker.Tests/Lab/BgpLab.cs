using System.Diagnostics;
using System.Globalization;

namespace SoftUnicast.BgpSpeaker.Tests.Lab;

/// <summary>
/// One network namespace with its loopback up. Every daemon of a test has an address of 10.9.0.0/24 in it, so tests disturb neither
/// each other nor the machine. Namespaces and daemons that a killed run left behind are removed by the next one.
/// </summary>
internal sealed class BgpLab : IAsyncDisposable
{
    private const string Prefix = "subgp";
    private static int count;
    private readonly List<IAsyncDisposable> daemons = [];

    private BgpLab(string name, string folder)
    {
        Name = name;
        Folder = folder;
    }

    public string Name { get; }

    /// <summary>For sockets, configuration files and logs.</summary>
    public string Folder { get; }

    /// <summary>Skips the test, with the reason, where it cannot run.</summary>
    public static async Task<BgpLab> CreateAsync(bool needsBird = false)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "needs root, for network namespaces");
        Assert.SkipUnless(File.Exists("/usr/bin/gobgpd"), "needs gobgpd (Debian package gobgpd)");
        Assert.SkipUnless(!needsBird || File.Exists("/usr/sbin/bird"), "needs BIRD (Debian package bird2)");
        await SweepAsync();
        var name = string.Create(CultureInfo.InvariantCulture, $"{Prefix}-{Environment.ProcessId}-{Interlocked.Increment(ref count)}");
        var folder = Directory.CreateTempSubdirectory(name + "-").FullName;
        await RunAsync("ip", "netns", "add", name);
        var lab = new BgpLab(name, folder);
        await lab.RunInsideAsync("ip", "link", "set", "lo", "up");
        // On the loopback, a whole prefix is local. (127.0.0.0/8 would do, were it not for peers that refuse it as a next hop.)
        await lab.RunInsideAsync("ip", "address", "add", "10.9.0.1/24", "dev", "lo");
        return lab;
    }

    public T Own<T>(T daemon)
        where T : IAsyncDisposable
    {
        daemons.Add(daemon);
        return daemon;
    }

    /// <summary>The program and arguments that start a program inside the namespace.</summary>
    public ProcessStartInfo Inside(string program, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("nsenter") { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.ArgumentList.Add($"--net=/run/netns/{Name}");
        start.ArgumentList.Add(program);
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return start;
    }

    public async Task<string> RunInsideAsync(string program, params string[] arguments)
    {
        var (code, output, error) = await RunAsync(Inside(program, arguments));
        return code == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {error}{output}");
    }

    public async Task<string> TryRunInsideAsync(string program, params string[] arguments) => (await RunAsync(Inside(program, arguments))).Output;

    public async ValueTask DisposeAsync()
    {
        foreach (var daemon in Enumerable.Reverse(daemons))
        {
            await daemon.DisposeAsync();
        }

        await RunAsync("ip", "netns", "del", Name);
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>Waits until the condition holds; says what was awaited, and the state then, if it never does.</summary>
    public static async Task UntilAsync(Func<bool> condition, string what, Func<object?>? state = null, int seconds = 40)
    {
        var start = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(start.Elapsed < TimeSpan.FromSeconds(seconds), $"{what} did not come to pass in {seconds} s; now: {state?.Invoke()}");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    public static Task UntilAsync(Func<Task<bool>> condition, string what, int seconds = 40) => UntilAsync(condition, () => what, seconds);

    public static async Task UntilAsync(Func<Task<bool>> condition, Func<string> what, int seconds = 40)
    {
        var start = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(start.Elapsed < TimeSpan.FromSeconds(seconds), $"{what()} did not come to pass in {seconds} s");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    private static async Task SweepAsync()
    {
        var (_, output, _) = await RunAsync(new ProcessStartInfo("ip") { ArgumentList = { "netns", "list" }, RedirectStandardOutput = true, RedirectStandardError = true });
        foreach (var line in output.Split('\n'))
        {
            var name = line.Split(' ')[0];
            var parts = name.Split('-');
            if (parts.Length != 3 || parts[0] != Prefix || !int.TryParse(parts[1], out var owner) || Directory.Exists($"/proc/{owner}"))
            {
                continue;
            }

            var (_, pids, _) = await RunAsync(new ProcessStartInfo("ip") { ArgumentList = { "netns", "pids", name }, RedirectStandardOutput = true, RedirectStandardError = true });
            foreach (var pid in pids.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                using var process = Process.GetProcessById(int.Parse(pid, CultureInfo.InvariantCulture));
                process.Kill();
            }

            await RunAsync(new ProcessStartInfo("ip") { ArgumentList = { "netns", "del", name }, RedirectStandardOutput = true, RedirectStandardError = true });
            foreach (var folder in Directory.GetDirectories(Path.GetTempPath(), name + "-*"))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        var (code, output, error) = await RunAsync(start);
        if (code != 0)
        {
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {error}{output}");
        }
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(ProcessStartInfo start)
    {
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }
}
