using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Planning;

/// <summary>The next assignment and what changes; or, if any pool cannot serve everyone, nothing but the errors of all pools.</summary>
/// <param name="Assignment">The assignment in force itself if nothing changes; null if there is any error.</param>
/// <param name="Diff">Null if there is any error.</param>
public sealed record PlanResult(Assignment? Assignment, PlanDiff? Diff, ImmutableArray<PlanError> Errors)
{
    /// <summary>True if there is no error.</summary>
    public bool IsPlanned => Assignment is not null;
}
