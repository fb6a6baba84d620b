using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace SoftUnicast.Linux.Host;

/// <summary>Tells the service manager how the service does (sd_notify(3)). Without one, every call does nothing.</summary>
public sealed partial class ServiceNotifier
{
    private const string Library = "libsystemd.so.0";
    private readonly Func<string, int>? notify;

    internal ServiceNotifier(Func<string, int>? notify, TimeSpan? watchdogTimeout)
    {
        this.notify = notify;
        WatchdogTimeout = watchdogTimeout;
    }

    /// <summary>True if a service manager waits for word.</summary>
    public bool IsSupervised => notify is not null;

    /// <summary>The manager kills the service if <see cref="KeepAlive"/> is not called within this; null: no watchdog.</summary>
    public TimeSpan? WatchdogTimeout { get; }

    /// <summary>How often to call <see cref="KeepAlive"/>: half the timeout, as sd_watchdog_enabled(3) advises.</summary>
    public TimeSpan? KeepAliveInterval => WatchdogTimeout / 2;

    /// <exception cref="InvalidOperationException">There is a manager, but libsystemd cannot be loaded.</exception>
    public static ServiceNotifier FromEnvironment() =>
        FromEnvironment(Environment.GetEnvironmentVariable, state => SdNotify(0, state), () =>
        {
            var result = SdWatchdogEnabled(0, out var microseconds);
            return result switch
            {
                > 0 => TimeSpan.FromMicroseconds(microseconds),
                0 => null,
                _ => throw new SystemCallException("sd_watchdog_enabled", "WATCHDOG_USEC", -result),
            };
        });

    internal static ServiceNotifier FromEnvironment(Func<string, string?> environment, Func<string, int> notify, Func<TimeSpan?> watchdog)
    {
        if (string.IsNullOrEmpty(environment("NOTIFY_SOCKET")))
        {
            return new ServiceNotifier(null, null);
        }

        try
        {
            return new ServiceNotifier(notify, watchdog());
        }
        catch (DllNotFoundException e)
        {
            throw new InvalidOperationException(
                $"NOTIFY_SOCKET is set, so a service manager waits for word, but {Library} cannot be loaded: install libsystemd0", e);
        }
    }

    /// <summary>Sockets that the manager passed (sd_listen_fds(3)): descriptors 3 up to 3 + this - 1. 0 without a manager.</summary>
    public static int PassedSockets()
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable("LISTEN_FDS")))
        {
            return 0;
        }

        var result = SdListenFds(0);
        return result >= 0 ? result : throw new SystemCallException("sd_listen_fds", "LISTEN_FDS", -result);
    }

    public void Ready(string status) => Send($"READY=1\nSTATUS={OneLine(status)}");

    /// <summary>One line that <c>systemctl status</c> shows.</summary>
    public void Status(string status) => Send($"STATUS={OneLine(status)}");

    public void Stopping(string status) => Send($"STOPPING=1\nSTATUS={OneLine(status)}");

    /// <summary>The configuration is being read again; <see cref="Ready"/> ends it.</summary>
    public void Reloading(string status) => Send(string.Create(
        CultureInfo.InvariantCulture, $"RELOADING=1\nMONOTONIC_USEC={Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000)}\nSTATUS={OneLine(status)}"));

    /// <summary>Feeds the watchdog.</summary>
    public void KeepAlive() => Send("WATCHDOG=1");

    /// <summary>Asks for this much time more to start or stop than the unit allows.</summary>
    public void ExtendTimeout(TimeSpan by) =>
        Send(string.Create(CultureInfo.InvariantCulture, $"EXTEND_TIMEOUT_USEC={(long)by.TotalMicroseconds}"));

    private static string OneLine(string status) => status.ReplaceLineEndings(" ");

    private void Send(string state)
    {
        if (notify?.Invoke(state) is < 0 and var result)
        {
            throw new SystemCallException("sd_notify", "NOTIFY_SOCKET", -result);
        }
    }

    [LibraryImport(Library, EntryPoint = "sd_notify", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SdNotify(int unsetEnvironment, string state);

    [LibraryImport(Library, EntryPoint = "sd_watchdog_enabled")]
    private static partial int SdWatchdogEnabled(int unsetEnvironment, out ulong microseconds);

    [LibraryImport(Library, EntryPoint = "sd_listen_fds")]
    private static partial int SdListenFds(int unsetEnvironment);
}
