using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;

namespace SoftUnicast.Client.Tests.Support;

internal sealed partial class LeasingHandler
{
    public ValueTask<Answer<NamingReply>> ShowNamingAsync(CancellationToken cancellation) => samples.ShowNamingAsync(cancellation);

    public ValueTask<Answer<QueryReply>> TraceQueryAsync(TraceQuery command, CancellationToken cancellation) => samples.TraceQueryAsync(command, cancellation);

    public ValueTask<Answer<AgilityReply>> ShowAgilityAsync(CancellationToken cancellation) => samples.ShowAgilityAsync(cancellation);

    public ValueTask<Answer<AgilityMoveReply>> AgilityMoveAsync(AgilityMove command, CancellationToken cancellation) => samples.AgilityMoveAsync(command, cancellation);

    public ValueTask<Answer<AgilityMoveReply>> AgilityEndAsync(AgilityEnd command, CancellationToken cancellation) => samples.AgilityEndAsync(command, cancellation);

    public ValueTask<Answer<AgilityDrainReply>> AgilityDrainAsync(AgilityDrain command, CancellationToken cancellation) => samples.AgilityDrainAsync(command, cancellation);
}
