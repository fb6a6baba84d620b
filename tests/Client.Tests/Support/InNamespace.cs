using System.Diagnostics;
using System.Reflection;

namespace SoftUnicast.Client.Tests.Support;

/// <summary>
/// Runs the inside of a test as a process of its own in a network and a mount namespace of its own, which go with it: sockets
/// are made on whatever thread an await goes on, so a thread in a namespace would not do. In there 192.0.2.0/24 (egress) and
/// 203.0.113.0/24 (the Internet) are local, and the kernel may choose any port from 2048.
/// </summary>
internal static class InNamespace
{
    public const string Word = "in-namespace";
    private const string PortRange = "/proc/sys/net/ipv4/ip_local_port_range";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <param name="inside">A lambda that captures nothing.</param>
    public static async Task RunAsync(Func<Task> inside)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "network namespaces need root");
        using var process = Process.Start(new ProcessStartInfo(
            "unshare",
            ["--net", "--mount", "--kill-child", Path.Combine(AppContext.BaseDirectory, "SoftUnicast.Client.Tests"), Word, inside.Method.DeclaringType!.FullName!, inside.Method.Name])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(Patience);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            var errors = process.StandardError.ReadToEndAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
            Assert.True(process.ExitCode == 0, $"{await output}{await errors}");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    public static async Task<int> InsideAsync(string typeName, string methodName)
    {
        var type = typeof(InNamespace).Assembly.GetType(typeName, throwOnError: true)!;
        var method = type.GetMethod(methodName, BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)!;
        try
        {
            Run("ip", "link", "set", "lo", "up");
            Run("ip", "route", "add", "local", "192.0.2.0/24", "dev", "lo");
            Run("ip", "route", "add", "local", "203.0.113.0/24", "dev", "lo");
            await SetPortRangeAsync("2048 65535");
            await (Task)method.Invoke(method.IsStatic ? null : Activator.CreateInstance(type, nonPublic: true), null)!;
            return 0;
        }
#pragma warning disable CA1031 // The root of a process: whatever went wrong is told to the test that waits for it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            await Console.Error.WriteLineAsync(e.ToString());
            return 1;
        }
    }

    public static Task SetPortRangeAsync(string range) => File.WriteAllTextAsync(PortRange, range);

    /// <summary>Runs a program to its end; what it printed.</summary>
    public static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {process.ExitCode}: {output}{errors.Result}");
    }
}
