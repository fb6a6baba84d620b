using System.Reflection;
using SoftUnicast.Control;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.Egress;
using SoftUnicast.Daemon.Reports;
using SoftUnicast.Egress.Attribution;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Host;
using SoftUnicast.Steering;

namespace SoftUnicast.Daemon;

/// <summary>Answers commands: what is meant comes from the reconciler's snapshot, what is comes from the kernel.</summary>
internal sealed partial class ControlHandler(Reconciler reconciler, TimeProvider time) : IControlHandler, IKnownNames
{
    public static string Version { get; } =
        typeof(ControlHandler).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    public IKnownNames Names => this;

    public IEnumerable<string> Pools => reconciler.State.Configuration.Fleet.Pools.Select(p => p.Name);

    public IEnumerable<string> Servers => reconciler.State.Configuration.Fleet.Servers.Keys;

    public IEnumerable<string> Interfaces => reconciler.State.Configuration.Server.Interfaces.Select(i => i.Name);

    private ISteeringMaps Maps => reconciler.PacketPath.Maps;

    public ValueTask<Answer<StatusReply>> ShowStatusAsync(CancellationToken cancellation) => Read<StatusReply>(() => StatusReports.Status(
        reconciler.State, KernelTable.Read(Maps), PacketReports.Totals(Maps), reconciler.PacketPath.Attachments(), reconciler.Speaker.Speaker.Status,
        reconciler.Speaker.Speaker.Learned, Version, reconciler.StartedAt, time.GetUtcNow()) with
    {
        Egress = reconciler.Egress is { } egress ? EgressReports.Status(egress) : null,
        Dispatch = reconciler.Services.Dispatch,
        Naming = reconciler.Services.Naming,
    });

    public ValueTask<Answer<BgpReply>> ShowBgpAsync(CancellationToken cancellation) => Read<BgpReply>(() =>
        BgpReports.Bgp(reconciler.State, reconciler.Speaker.Speaker.Status, reconciler.Speaker.Speaker.Learned, reconciler.Speaker.LastSynchronised));

    public ValueTask<Answer<PrefixesReply>> ShowPrefixesAsync(CancellationToken cancellation) => Read<PrefixesReply>(() =>
        SliceReports.Prefixes(reconciler.State, KernelTable.Read(Maps).Table));

    public ValueTask<Answer<SlicesReply>> ShowSlicesAsync(ShowSlices command, CancellationToken cancellation) => Read(() =>
        SliceReports.Slices(reconciler.State, KernelTable.Read(Maps).Table, command, reconciler.Egress));

    public ValueTask<Answer<SliceForReply>> ShowSliceForAsync(ShowSliceFor command, CancellationToken cancellation) => Read(() =>
        SliceReports.SliceFor(reconciler.State, KernelTable.Read(Maps).Table, command, InterfaceName));

    public ValueTask<Answer<TunnelsReply>> ShowTunnelsAsync(CancellationToken cancellation) => Read<TunnelsReply>(() =>
        PacketReports.Tunnels(reconciler.State, Maps, InterfaceName));

    public ValueTask<Answer<DropsReply>> ShowDropsAsync(CancellationToken cancellation) => Read<DropsReply>(() => PacketReports.Drops(Maps));

    public ValueTask<Answer<HostReply>> ShowHostAsync(CancellationToken cancellation) => Read<HostReply>(() =>
        HostReports.Host(reconciler.State, reconciler.Network, reconciler.PacketPath.Attachments()) with { Changed = reconciler.Egress?.Changed ?? [] });

    public ValueTask<Answer<TraceReply>> TracePacketAsync(TracePacket command, CancellationToken cancellation) => Read(() =>
        PacketReports.Trace(reconciler.State, KernelTable.Read(Maps).Table, command, InterfaceName));

    public ValueTask<Answer<PoolsReply>> ShowPoolsAsync(CancellationToken cancellation) => ReadEgress<PoolsReply>(view =>
        EgressReports.Pools(reconciler.State.Configuration, view));

    public ValueTask<Answer<LeasesReply>> ShowLeasesAsync(CancellationToken cancellation) => ByLoopAsync<LeasesReply>(
        egress => EgressReports.Leases(egress.Configuration, egress.View) with { Choices = EgressReports.Choices(egress.Holders.Enrolled, egress.Counts) }, cancellation);

    public ValueTask<Answer<GuardReply>> ShowGuardAsync(CancellationToken cancellation) =>
        ByLoopAsync<GuardReply>(egress => EgressReports.Guard(egress.View, egress.GuardCounters()), cancellation);

    public ValueTask<Answer<WhoReply>> WhoAsync(Who command, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(command);
        if (reconciler.State.Configuration.Server.Egress is not { } egress)
        {
            return new(Nothing());
        }

        try
        {
            var at = command.At ?? time.GetUtcNow();
            return new(WhoReport.Of(command.Address, command.Port, at, AttributionReader.Who(egress.AttributionPath, command.Address, command.Port, at)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new(new ErrorReply(ReplyCode.AttributionUnreadable, e.Message, null));
        }
    }

    public ValueTask<Answer<EnrollReply>> EnrollAsync(Enroll command, ControlPeer peer, CancellationToken cancellation) =>
        ByLoopAsync(egress => egress.Holders.Enroll(egress.Configuration, command, peer, egress.Now()), cancellation);

    public ValueTask<Answer<LeaveReply>> LeaveAsync(Leave command, ControlPeer peer, CancellationToken cancellation) =>
        ByLoopAsync(egress => egress.Holders.Leave(egress.Configuration, command, peer, egress.Now()), cancellation);

    public ValueTask<Answer<LeaseReply>> LeaseAsync(Lease command, ControlPeer peer, CancellationToken cancellation) =>
        ByLoopAsync(egress => egress.Holders.Lease(egress.Configuration, command, peer, egress.Now()), cancellation);

    public ValueTask<Answer<LeaseReply>> RenewAsync(Renew command, ControlPeer peer, CancellationToken cancellation) =>
        ByLoopAsync(egress => egress.Holders.Renew(egress.Configuration, command.LeaseId, peer), cancellation, passFollows: false);

    public ValueTask<Answer<ReleaseReply>> ReleaseAsync(Release command, ControlPeer peer, CancellationToken cancellation) =>
        ByLoopAsync(egress => egress.Holders.Release(egress.Configuration, command.LeaseId, peer, egress.Now()), cancellation);

    public ValueTask<Answer<HoldReply>> HoldAsync(Hold command, ControlPeer peer, CancellationToken cancellation) =>
        ByLoopAsync(egress => egress.Holds.Hold(command, peer), cancellation, passFollows: false);

    public ValueTask<Answer<HoldReply>> BoundAsync(Bound command, ControlPeer peer, CancellationToken cancellation) =>
        ByLoopAsync(egress => egress.Holds.Bound(command, peer), cancellation, passFollows: false);

    public ValueTask<Answer<DrainReply>> DrainAsync(Drain command, ControlPeer peer, CancellationToken cancellation) =>
        ByLoopAsync<DrainReply>(
            egress =>
            {
                var slices = egress.SlicesHere(command.Address, command.Port).ToList();
                if (slices.Count == 0)
                {
                    return new ErrorReply(ReplyCode.NoSlice, command.Address is { } address
                        ? $"this server has no slice at {address}{(command.Port is { } port ? $":{port}" : "")}" : "this server has no slices", "see show slices");
                }

                return egress.Drain(slices, command.Undo) is { } states
                    ? new DrainReply(command.Undo, EgressReports.Drained(states, egress.Configuration.Server.Egress!.Quarantine))
                    : new ErrorReply(ReplyCode.NotHandingOut, $"the attribution log cannot be written: {egress.Problem}", "make room on its file system; slices that were to be drained give out nothing new meanwhile, and are drained when there is room");
            },
            cancellation);

    public async ValueTask<Answer<DownReply>> DownAsync(Down command, Func<DownStep, ValueTask> report, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(command);
        try
        {
            var went = await reconciler.DoAsync(stopping => reconciler.GoDownAsync(command.Now, report, stopping), CancellationToken.None).ConfigureAwait(false);
            return new DownReply(went.Steps, went.NotWithdrawn is { } why
                ? $"the packet path is off, the daemon ends; what was announced was not withdrawn: {why}"
                : "nothing is announced, the packet path is off, the daemon ends");
        }
        catch (Exception e) when (e is IOException or SystemCallException or InvalidOperationException)
        {
            return new ErrorReply(ReplyCode.DownFailed, $"not all is down: {e.Message}", "see show status; then try again");
        }
    }

    private static ErrorReply Starting { get; } = new(ReplyCode.NotReady, "the daemon is starting", null);

    private static ErrorReply Nothing() => new(
        ReplyCode.NotHandingOut, "this server hands out no slices: its configuration has no section 'egress'", "see docs/configuration.md");

    private ValueTask<Answer<T>> ReadEgress<T>(Func<EgressView, Answer<T>> read)
        where T : ControlReply
    {
        if (reconciler.State.Configuration.Server.Egress is null)
        {
            return new(Nothing());
        }

        return reconciler.Egress is { } view ? Read(() => read(view)) : new(Starting);
    }

    private ValueTask<Answer<T>> ByLoopAsync<T>(Func<EgressService, Answer<T>> action, CancellationToken cancellation, bool passFollows = true)
        where T : ControlReply => reconciler.State.Configuration.Server.Egress is null
            ? new(Nothing())
            : ByLoopAsync(() => reconciler.EgressService, action, Starting, ReplyCode.NotHandingOut, passFollows, cancellation);

    /// <summary>What changes something, or reads what only the loop may read, is done by the loop between two passes.</summary>
    /// <param name="absent">The answer while there is no such service.</param>
    /// <param name="failed">The code of an answer that the kernel or a disk refused.</param>
    private async ValueTask<Answer<T>> ByLoopAsync<TService, T>(
        Func<TService?> service, Func<TService, Answer<T>> action, ErrorReply absent, ReplyCode failed, bool passFollows, CancellationToken cancellation)
        where TService : class
        where T : ControlReply
    {
        try
        {
            return await reconciler.DoAsync(_ => Task.FromResult(service() is { } found ? action(found) : absent), cancellation, passFollows).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SystemCallException or PinnedStateException or IOException)
        {
            return new ErrorReply(failed, e.Message, "see show status");
        }
    }

    // A kernel that does not answer is the operator's to see, not a fault of the daemon.
    private static ValueTask<Answer<T>> Read<T>(Func<Answer<T>> read)
        where T : ControlReply
    {
        try
        {
            return new(read());
        }
        catch (Exception e) when (e is SystemCallException or IOException or ObjectDisposedException)
        {
            return new(new ErrorReply(ReplyCode.PacketPathUnreadable, $"the kernel's tables could not be read: {e.Message}", null));
        }
    }

    private string InterfaceName(int index) => reconciler.Network.Links.GetValueOrDefault(index)?.Name ?? $"interface {index}";
}
