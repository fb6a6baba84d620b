using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;

namespace SoftUnicast.Control.Tests.Support;

internal sealed partial class SampleHandler
{
    /// <summary>What <c>show agility</c> says, one after the other; the last one again and again.</summary>
    public Queue<AgilityReply> Agility { get; } = new([NamingSamples.Agility]);

    public ValueTask<Answer<NamingReply>> ShowNamingAsync(CancellationToken cancellation) => new(NamingSamples.Naming);

    public ValueTask<Answer<QueryReply>> TraceQueryAsync(TraceQuery command, CancellationToken cancellation)
    {
        Asked.Add(command);
        return new(command.Name.StartsWith("ns1", StringComparison.Ordinal) ? NamingSamples.QueryForZone
            : command.Name.EndsWith("org", StringComparison.Ordinal) ? NamingSamples.QueryForNothing : NamingSamples.Query);
    }

    public ValueTask<Answer<AgilityReply>> ShowAgilityAsync(CancellationToken cancellation)
    {
        Asked.Add(new ShowAgility());
        return new(Agility.Count > 1 ? Agility.Dequeue() : Agility.Peek());
    }

    public ValueTask<Answer<AgilityMoveReply>> AgilityMoveAsync(AgilityMove command, CancellationToken cancellation)
    {
        Asked.Add(command);
        return new(command switch
        {
            { Policy: "cdn", Pool: "twenty" } => NamingSamples.Move with { From = ["one"], To = ["twenty"], Moved = false },
            { Policy: "cdn", Pool: "drained" } => new ErrorReply(ReplyCode.AgilityRefused, "pool 'drained' is drained by command", "agility undrain drained"),
            { Policy: "cdn" } => NamingSamples.Move,
            _ => new ErrorReply(ReplyCode.PolicyUnknown, $"/etc/softunicast/naming.yaml has no policy '{command.Policy}'", "did you mean 'cdn'?"),
        });
    }

    public ValueTask<Answer<AgilityMoveReply>> AgilityEndAsync(AgilityEnd command, CancellationToken cancellation)
    {
        Asked.Add(command);
        return new(NamingSamples.Move with { From = ["one"], To = ["twenty", "twenty-four"], Moved = false });
    }

    public ValueTask<Answer<AgilityDrainReply>> AgilityDrainAsync(AgilityDrain command, CancellationToken cancellation)
    {
        Asked.Add(command);
        return new(command.Pool == "none" ? NamingSamples.Drain with { Pool = "none", Policies = [], Behind = null, Undone = command.Undo } : NamingSamples.Drain with { Undone = command.Undo });
    }
}
