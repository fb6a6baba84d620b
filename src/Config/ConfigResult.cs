using System.Collections.Immutable;

namespace SoftUnicast.Config;

/// <summary>What came of reading a file: its value, or errors, and in both cases perhaps warnings.</summary>
/// <param name="Value">Null if there is at least one error.</param>
/// <param name="Diagnostics">By line and column, ascending.</param>
public sealed record ConfigResult<T>(T? Value, ImmutableArray<Diagnostic> Diagnostics)
    where T : class
{
    public bool HasErrors => Diagnostics.Any(d => d.Severity == Severity.Error);
}
