using System.Runtime.InteropServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NLog;
using NLog.Extensions.Logging;
using SoftUnicast.Config;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Wire;
using SoftUnicast.Daemon.State;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Daemon;

/// <summary>The daemon's life from its files to its end. Everything is put together here, and nowhere else.</summary>
internal static class DaemonRun
{
    public const string LockFolder = "/run/softunicast";
    private static readonly Logger Log = LogManager.GetLogger("softunicastd");

    public static async Task<int> RunAsync(string file)
    {
        var time = TimeProvider.System;
        var result = ConfigurationFiles.Check(file);
        await Console.Error.WriteAsync(DiagnosticText.Render(result.Diagnostics)).ConfigureAwait(false);
        if (ConfigurationFiles.From(file, result, time.GetUtcNow()) is not { } configuration)
        {
            await Console.Error.WriteLineAsync($"softunicastd: {DiagnosticText.Summary(result.Diagnostics)}; nothing was touched").ConfigureAwait(false);
            return ExitStatus.Usage;
        }

        Logging.Set(configuration.Server.Log);
        try
        {
            return await RunAsync(configuration, time).ConfigureAwait(false);
        }
        catch (LockHeldException e)
        {
            Log.Fatal("{Reason}", e.Message);
            return ExitStatus.RunTime;
        }
        catch (Exception e) when (e is SystemCallException or PinnedStateException or IOException or UnauthorizedAccessException or DllNotFoundException or EntryPointNotFoundException)
        {
            var missing = Capabilities.Missing(Capability.NetAdmin, Capability.Bpf, Capability.PerfMon);
            Log.Fatal("{Reason}{Missing}", e.Message, missing.IsEmpty ? "" : $"; this process lacks {string.Join(" and ", missing)}");
            return missing.IsEmpty ? ExitStatus.RunTime : ExitStatus.Permission;
        }
        finally
        {
            LogManager.Shutdown();
        }
    }

    private static async Task<int> RunAsync(DaemonConfiguration configuration, TimeProvider time)
    {
        var sockets = configuration.Server.Sockets;
        foreach (var folder in new[] { LockFolder, Path.GetDirectoryName(sockets.ControlPath), Path.GetDirectoryName(sockets.ShowPath), Path.GetDirectoryName(sockets.RegisterPath) })
        {
            Directory.CreateDirectory(folder!);
        }

        // One daemon for a pin folder, whatever else differs: two would write the same tables.
        using var alone = FileLock.Take(Path.Combine(LockFolder, $"{configuration.Server.PinsPath.Trim('/').Replace('/', '-')}.lock"));
        var notifier = ServiceNotifier.FromEnvironment();
        using var packetPath = PacketPath.Open(configuration.Server.PinsPath, time);
        using var reconciler = new Reconciler(configuration, packetPath, notifier, time);
        var handler = new ControlHandler(reconciler, time);
        var limits = new ControlLimits();
        using var control = new ControlListener(UnixListener.Listen(sockets.ControlPath, ControlListener.ControlMode), AccessLevel.Full, handler, limits, time);
        using var show = new ControlListener(UnixListener.Listen(sockets.ShowPath, ControlListener.EveryoneMode), AccessLevel.ReadOnly, handler, limits, time);
        using var register = new ControlListener(UnixListener.Listen(sockets.RegisterPath, ControlListener.EveryoneMode), AccessLevel.Register, handler, limits, time);
        Log.Info("softunicastd {Version} on {Server} in {Datacenter}; packet path {How} in {Pins}", ControlHandler.Version, configuration.Self.Name,
            configuration.Self.Datacenter, packetPath.Adopted ? "adopted" : "loaded", configuration.Server.PinsPath);

        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddNLog();
        builder.Services.AddHostedService(services => new DaemonService(
            reconciler, [control, show, register], configuration.File, time, services.GetRequiredService<IHostApplicationLifetime>()));
        using var host = builder.Build();
        await host.RunAsync().ConfigureAwait(false);
        return Environment.ExitCode;
    }
}

/// <summary>The daemon's loops as one service of the host, which ends them by signal; SIGHUP reads the files again.</summary>
internal sealed class DaemonService(
    Reconciler reconciler, IReadOnlyList<ControlListener> listeners, string file, TimeProvider time, IHostApplicationLifetime lifetime) : BackgroundService
{
    private static readonly Logger Log = LogManager.GetLogger("softunicastd");
    private readonly SemaphoreSlim reloading = new(1);

    public override void Dispose()
    {
        reloading.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            _ = ReloadAsync(stoppingToken);
        });
        using var clients = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var serving = listeners.Select(l => l.RunAsync(clients.Token)).ToList();
        try
        {
            // A thread of its own: a pass may wait for the kernel's readers, and must not wait for anything else.
            await Task.Factory.StartNew(() => reconciler.RunAsync(stoppingToken), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
                .Unwrap().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A bug ends the process, with its stack in the log: the service manager starts it anew, packets go on.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Log.Fatal(e, "the reconciler failed; packets go on");
            Environment.ExitCode = ExitStatus.RunTime;
        }

        await clients.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(serving).ConfigureAwait(false);
        lifetime.StopApplication();
    }

    private async Task ReloadAsync(CancellationToken stopping)
    {
        // One after the other: what was read last is in force at the end.
        try
        {
            await reloading.WaitAsync(stopping).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        try
        {
            var result = ConfigurationFiles.Check(file);
            await reconciler.DoAsync(
                async _ =>
                {
                    if (ConfigurationFiles.From(file, result, time.GetUtcNow()) is { } next)
                    {
                        await reconciler.ReloadAsync(next).ConfigureAwait(false);
                    }
                    else
                    {
                        Log.Error("{Diagnostics}", DiagnosticText.Render(result.Diagnostics));
                        reconciler.RejectReload([.. result.Diagnostics.Where(d => d.Severity == Severity.Error).Select(d => $"{d.File}:{d.Line}:{d.Column}: {d.Message}")]);
                    }

                    return true;
                },
                stopping).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The daemon ends.
        }
#pragma warning disable CA1031 // What the former speaker ended with, for one: the reconciler's loop finds it too, and ends.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Log.Error(e, "the configuration was not taken");
        }
        finally
        {
            reloading.Release();
        }
    }
}
