using System.Collections.Immutable;
using System.Globalization;

namespace SoftUnicast.Config;

/// <summary>
/// Collects what is wrong with one file. It keeps the first thousand errors and the first thousand warnings and counts the
/// rest, so that a hostile file costs no more than a long one.
/// </summary>
internal sealed class DiagnosticBag(SourceText source)
{
    private const int Limit = 1000;
    private readonly List<Diagnostic> kept = [];
    private int errors;
    private int warnings;

    public bool HasErrors => errors > 0;

    public SourceText Source => source;

    public Nearest Nearest { get; } = new();

    public void Error(Place place, string message, string? hint = null)
    {
        if (++errors <= Limit)
        {
            Add(Severity.Error, place, message, hint);
        }
    }

    public void Warning(Place place, string message, string? hint = null)
    {
        if (++warnings <= Limit)
        {
            Add(Severity.Warning, place, message, hint);
        }
    }

    /// <summary>About the file as a whole.</summary>
    public void Error(string message, string? hint = null)
    {
        errors++;
        kept.Add(new Diagnostic(Severity.Error, source.FileName, 0, 0, 0, message, hint));
    }

    public ConfigResult<T> Result<T>(T? value)
        where T : class => new(HasErrors ? null : value, Diagnostics());

    public ImmutableArray<Diagnostic> Diagnostics()
    {
        var sorted = kept.OrderBy(d => d.Line).ThenBy(d => d.Column).ToList();
        Overflow(sorted, Severity.Error, errors, "errors");
        Overflow(sorted, Severity.Warning, warnings, "warnings");
        return [.. sorted];
    }

    private void Overflow(List<Diagnostic> list, Severity severity, int count, string noun)
    {
        if (count > Limit)
        {
            list.Add(new Diagnostic(
                severity, source.FileName, 0, 0, 0,
                string.Create(CultureInfo.InvariantCulture, $"{count - Limit} more {noun} not shown")));
        }
    }

    private void Add(Severity severity, Place place, string message, string? hint) =>
        kept.Add(new Diagnostic(severity, source.FileName, place.Line, place.Column, place.Length, message, hint, source.Excerpt(place)));
}
