using System.Diagnostics;
using System.Globalization;

namespace SoftUnicast.Tests.Support;

/// <summary>
/// One network namespace with its loopback up, so that tests disturb neither each other nor the machine, and a folder of its own.
/// Daemons, files and the namespace go with this object; what a killed run left behind is removed by the next one.
/// </summary>
internal abstract class LabNamespace : IAsyncDisposable
{
    private static int count;
    private readonly string prefix;
    private readonly List<IAsyncDisposable> daemons = [];

    /// <param name="prefix">Of the namespace's name; without a hyphen.</param>
    protected LabNamespace(string prefix)
    {
        this.prefix = prefix;
        Name = string.Create(CultureInfo.InvariantCulture, $"{prefix}-{Environment.ProcessId}-{Interlocked.Increment(ref count)}");
        Folder = Directory.CreateTempSubdirectory(Name + "-").FullName;
    }

    public string Name { get; }

    /// <summary>For sockets, configuration files and logs.</summary>
    public string Folder { get; }

    public T Own<T>(T daemon)
        where T : IAsyncDisposable
    {
        daemons.Add(daemon);
        return daemon;
    }

    /// <summary>The program and arguments that start a program inside the namespace.</summary>
    public ProcessStartInfo Inside(string program, params IEnumerable<string> arguments) =>
        Captured("nsenter", [$"--net=/run/netns/{Name}", program, .. arguments]);

    public async Task<string> RunInsideAsync(string program, params string[] arguments) => await SucceedAsync(Inside(program, arguments));

    public async Task<string> TryRunInsideAsync(string program, params string[] arguments) => (await RunAsync(Inside(program, arguments))).Output;

    public async ValueTask DisposeAsync()
    {
        foreach (var daemon in Enumerable.Reverse(daemons))
        {
            await daemon.DisposeAsync();
        }

        await SucceedAsync(Captured("ip", ["netns", "del", Name]));
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>Waits until the condition holds; says what was awaited, and the state then, if it never does.</summary>
    public static Task UntilAsync(Func<bool> condition, string what, Func<object?>? state = null, int seconds = 40) =>
        UntilAsync(condition, () => $"{what}; now: {state?.Invoke()}", seconds);

    public static Task UntilAsync(Func<bool> condition, Func<string> what, int seconds = 40) => UntilAsync(() => Task.FromResult(condition()), what, seconds);

    public static Task UntilAsync(Func<Task<bool>> condition, string what, int seconds = 40) => UntilAsync(condition, () => what, seconds);

    public static async Task UntilAsync(Func<Task<bool>> condition, Func<string> what, int seconds = 40)
    {
        var start = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(start.Elapsed < TimeSpan.FromSeconds(seconds), $"did not come to pass in {seconds} s: {what()}");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Skips the test, with the reason, where there can be no namespace.</summary>
    protected static void RequireRoot() =>
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "needs root, for network namespaces");

    protected async Task OpenAsync()
    {
        await SweepAsync();
        await SucceedAsync(Captured("ip", ["netns", "add", Name]));
        await RunInsideAsync("ip", "link", "set", "lo", "up");
    }

    private async Task SweepAsync()
    {
        foreach (var name in LeftNamespaces.In(await SucceedAsync(Captured("ip", ["netns", "list"])), prefix))
        {
            // Another test may be at it too, and be quicker.
            foreach (var left in (await RunAsync(Captured("ip", ["netns", "pids", name]))).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                End(int.Parse(left, CultureInfo.InvariantCulture));
            }

            await RunAsync(Captured("ip", ["netns", "del", name]));
            foreach (var folder in Directory.GetDirectories(Path.GetTempPath(), name + "-*"))
            {
                Delete(folder);
            }
        }
    }

    private static void End(int processId)
    {
        try
        {
            using var process = Process.GetProcessById(processId);
            process.Kill();
        }
        catch (ArgumentException)
        {
            // It has ended.
        }
    }

    private static void Delete(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is DirectoryNotFoundException or FileNotFoundException)
        {
            // It is gone.
        }
    }

    private static ProcessStartInfo Captured(string program, IEnumerable<string> arguments) =>
        new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };

    private static async Task<string> SucceedAsync(ProcessStartInfo start)
    {
        var (code, output, error) = await RunAsync(start);
        return code == 0 ? output : throw new InvalidOperationException($"{start.FileName} {string.Join(' ', start.ArgumentList)}: {error}{output}");
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
