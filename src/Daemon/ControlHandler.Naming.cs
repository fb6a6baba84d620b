using SoftUnicast.Control;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.Naming;
using SoftUnicast.Daemon.Reports;

namespace SoftUnicast.Daemon;

/// <content>The commands about names: all by the loop, between two passes.</content>
internal sealed partial class ControlHandler
{
    public IEnumerable<string> Policies => reconciler.State.Configuration.Naming?.Policies.Select(p => p.Name) ?? [];

    public IEnumerable<string> NamingPools => reconciler.State.Configuration.Naming?.Pools.Select(p => p.Name) ?? [];

    public ValueTask<Answer<NamingReply>> ShowNamingAsync(CancellationToken cancellation) =>
        ByNamingAsync<NamingReply>(service => NamingReports.Naming(service), changes: false, cancellation);

    public ValueTask<Answer<QueryReply>> TraceQueryAsync(TraceQuery command, CancellationToken cancellation) =>
        ByNamingAsync<QueryReply>(service => NamingReports.Query(service, command, Random.Shared), changes: false, cancellation);

    public ValueTask<Answer<AgilityReply>> ShowAgilityAsync(CancellationToken cancellation) =>
        ByNamingAsync<AgilityReply>(service => NamingReports.Agility(service), changes: false, cancellation);

    public ValueTask<Answer<AgilityMoveReply>> AgilityMoveAsync(AgilityMove command, CancellationToken cancellation) =>
        ByNamingAsync(service => new NamingAgility(service, time).Move(command.Policy, command.Pool), changes: true, cancellation);

    public ValueTask<Answer<AgilityMoveReply>> AgilityEndAsync(AgilityEnd command, CancellationToken cancellation) =>
        ByNamingAsync(service => new NamingAgility(service, time).End(command.Policy), changes: true, cancellation);

    public ValueTask<Answer<AgilityDrainReply>> AgilityDrainAsync(AgilityDrain command, CancellationToken cancellation) =>
        ByNamingAsync(service => new NamingAgility(service, time).Drain(command.Pool, command.Undo), changes: true, cancellation);

    private ValueTask<Answer<T>> ByNamingAsync<T>(Func<NamingService, Answer<T>> action, bool changes, CancellationToken cancellation)
        where T : ControlReply => reconciler.State.Configuration.Server.Naming is null
            ? new(new ErrorReply(ReplyCode.NotNaming, "no name is answered on this server: its configuration has no section 'naming'", "see docs/naming.md"))
            : ByLoopAsync(() => reconciler.NamingService, action, Starting, ReplyCode.AgilityNotKept, changes, cancellation);
}
