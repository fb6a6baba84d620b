using System.Reflection;
using SoftUnicast.Control;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.Reports;
using SoftUnicast.Linux.Host;
using SoftUnicast.Steering;

namespace SoftUnicast.Daemon;

/// <summary>Answers commands: what is meant comes from the reconciler's snapshot, what is comes from the kernel.</summary>
internal sealed class ControlHandler(Reconciler reconciler, TimeProvider time) : IControlHandler, IKnownNames
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
        reconciler.Speaker.Speaker.Learned, Version, reconciler.StartedAt, time.GetUtcNow()));

    public ValueTask<Answer<BgpReply>> ShowBgpAsync(CancellationToken cancellation) => Read<BgpReply>(() =>
        BgpReports.Bgp(reconciler.State, reconciler.Speaker.Speaker.Status, reconciler.Speaker.Speaker.Learned, reconciler.Speaker.LastSynchronised));

    public ValueTask<Answer<PrefixesReply>> ShowPrefixesAsync(CancellationToken cancellation) => Read<PrefixesReply>(() =>
        SliceReports.Prefixes(reconciler.State, KernelTable.Read(Maps).Table));

    public ValueTask<Answer<SlicesReply>> ShowSlicesAsync(ShowSlices command, CancellationToken cancellation) => Read(() =>
        SliceReports.Slices(reconciler.State, KernelTable.Read(Maps).Table, command));

    public ValueTask<Answer<SliceForReply>> ShowSliceForAsync(ShowSliceFor command, CancellationToken cancellation) => Read(() =>
        SliceReports.SliceFor(reconciler.State, KernelTable.Read(Maps).Table, command, InterfaceName));

    public ValueTask<Answer<TunnelsReply>> ShowTunnelsAsync(CancellationToken cancellation) => Read<TunnelsReply>(() =>
        PacketReports.Tunnels(reconciler.State, Maps, InterfaceName));

    public ValueTask<Answer<DropsReply>> ShowDropsAsync(CancellationToken cancellation) => Read<DropsReply>(() => PacketReports.Drops(Maps));

    public ValueTask<Answer<HostReply>> ShowHostAsync(CancellationToken cancellation) => Read<HostReply>(() =>
        HostReports.Host(reconciler.State, reconciler.Network, reconciler.PacketPath.Attachments()));

    public ValueTask<Answer<TraceReply>> TracePacketAsync(TracePacket command, CancellationToken cancellation) => Read(() =>
        PacketReports.Trace(reconciler.State, KernelTable.Read(Maps).Table, command, InterfaceName));

    public async ValueTask<Answer<DownReply>> DownAsync(Down command, Func<DownStep, ValueTask> report, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(command);
        try
        {
            var steps = await reconciler.DoAsync(stopping => reconciler.GoDownAsync(command.Now, report, stopping), CancellationToken.None).ConfigureAwait(false);
            return new DownReply(steps, "nothing is announced, the packet path is off, the daemon ends");
        }
        catch (Exception e) when (e is IOException or SystemCallException or InvalidOperationException)
        {
            return new ErrorReply(ReplyCode.DownFailed, $"not all is down: {e.Message}", "see show status; then try again");
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
