using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using SoftUnicast.Linux.Host;
using SoftUnicast.Tests.Support;

namespace SoftUnicast.Linux.Tests.Net;

/// <summary>A network namespace that goes with this object. Its interfaces' XDP, addresses and routes are the test's.</summary>
internal sealed partial class NetNamespace : IDisposable
{
    private const int CLONE_NEWNET = 0x40000000;
    private const string Prefix = "sunet";

    /// <summary>Once a run: what one that was killed has left is removed.</summary>
    private static readonly Lazy<bool> Swept = new(Sweep);

    private static int count;

    public NetNamespace()
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root")
        {
            Assert.Skip("network namespaces need root");
        }

        _ = Swept.Value;
        Name = $"{Prefix}-{Environment.ProcessId}-{Interlocked.Increment(ref count)}";
        Run("ip", "netns", "add", Name);
        Ip("link set lo up");
    }

    private static bool Sweep()
    {
        foreach (var name in LeftNamespaces.In(Run("ip", "netns", "list"), Prefix))
        {
            Run("ip", "netns", "del", name);
        }

        return true;
    }

    public string Name { get; }

    /// <summary><c>ip</c> inside the namespace.</summary>
    public string Ip(string arguments) => Run("ip", ["-n", Name, .. arguments.Split(' ')]);

    /// <summary>Like <see cref="Ip"/>, false if the command fails.</summary>
    public bool TryIp(string arguments)
    {
        try
        {
            Ip(arguments);
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    public void Sysctl(string name, string value) =>
        Run("nsenter", $"--net=/run/netns/{Name}", "sh", "-c", $"echo {value} > /proc/sys/{name.Replace('.', '/')}");

    /// <summary>Runs on a thread of its own that has entered the namespace, and ends there.</summary>
    public T Within<T>(Func<T> action)
    {
        T? result = default;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var handle = File.OpenHandle($"/run/netns/{Name}");
                if (SetNs(handle, CLONE_NEWNET) < 0)
                {
                    throw SystemCallException.Last("setns", Name);
                }

                result = action();
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? result! : throw new InvalidOperationException($"in {Name}: {failure.Message}", failure);
    }

    public string MacOf(string device) => Ip($"-br link show {device}").Split(' ', StringSplitOptions.RemoveEmptyEntries)[2];

    public int IndexOf(string device) => int.Parse(Ip($"-o link show {device}").Split(':')[0], System.Globalization.CultureInfo.InvariantCulture);

    public void Dispose() => Run("ip", "netns", "del", Name);

    public static string Run(string program, params IEnumerable<string> arguments)
    {
        var list = arguments.ToList();
        using var process = Process.Start(new ProcessStartInfo(program, list) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output.Trim()
            : throw new InvalidOperationException($"{program} {string.Join(' ', list)}: {errors.Result.Trim()}");
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNs(SafeFileHandle fd, int type);
}
