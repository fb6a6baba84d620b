using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;

namespace SoftUnicast.Control;

/// <summary>Answers the commands about names; part of <see cref="IControlHandler"/>.</summary>
public interface INamingHandler
{
    ValueTask<Answer<NamingReply>> ShowNamingAsync(CancellationToken cancellation);

    ValueTask<Answer<QueryReply>> TraceQueryAsync(TraceQuery command, CancellationToken cancellation);

    ValueTask<Answer<AgilityReply>> ShowAgilityAsync(CancellationToken cancellation);

    /// <summary>Moves a policy to another pool. What is answered with is durable, and holds for the next query.</summary>
    ValueTask<Answer<AgilityMoveReply>> AgilityMoveAsync(AgilityMove command, CancellationToken cancellation);

    ValueTask<Answer<AgilityMoveReply>> AgilityEndAsync(AgilityEnd command, CancellationToken cancellation);

    ValueTask<Answer<AgilityDrainReply>> AgilityDrainAsync(AgilityDrain command, CancellationToken cancellation);
}
