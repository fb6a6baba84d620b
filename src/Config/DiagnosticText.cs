using System.Globalization;
using System.Text;

namespace SoftUnicast.Config;

/// <summary>
/// The one rendering of diagnostics: plain text without colour, for terminals, logs and tests.
/// <code>
/// fleet.yaml:12:5: error: unknown key 'taggs' in pool 'us-general'
///    12 |     taggs: { country: US }
///       |     ^~~~~
///       = did you mean 'tags'?
/// </code>
/// </summary>
public static class DiagnosticText
{
    public static string Render(Diagnostic diagnostic)
    {
        ArgumentNullException.ThrowIfNull(diagnostic);
        var text = new StringBuilder();
        Append(text, diagnostic);
        return text.ToString();
    }

    /// <summary>All of them in their order, each ending in a line feed; no diagnostics, no text.</summary>
    public static string Render(IEnumerable<Diagnostic> diagnostics)
    {
        ArgumentNullException.ThrowIfNull(diagnostics);
        var text = new StringBuilder();
        foreach (var diagnostic in diagnostics)
        {
            Append(text, diagnostic);
        }

        return text.ToString();
    }

    /// <summary><c>2 errors, 1 warning</c>; or <c>no errors</c>.</summary>
    public static string Summary(IEnumerable<Diagnostic> diagnostics)
    {
        ArgumentNullException.ThrowIfNull(diagnostics);
        int errors = 0, warnings = 0;
        foreach (var diagnostic in diagnostics)
        {
            _ = diagnostic.Severity == Severity.Error ? errors++ : warnings++;
        }

        var first = errors == 0 ? "no errors" : Count(errors, "error");
        return warnings == 0 ? first : $"{first}, {Count(warnings, "warning")}";
    }

    private static string Count(int count, string noun) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {noun}{(count == 1 ? "" : "s")}");

    private static void Append(StringBuilder text, Diagnostic diagnostic)
    {
        text.Append(diagnostic.File);
        if (diagnostic.Line > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $":{diagnostic.Line}:{diagnostic.Column}");
        }

        text.Append(diagnostic.Severity == Severity.Error ? ": error: " : ": warning: ").Append(diagnostic.Message).Append('\n');
        if (diagnostic.Excerpt is { } excerpt)
        {
            text.Append(CultureInfo.InvariantCulture, $"{diagnostic.Line,5} | {excerpt.Text}").Append('\n')
                .Append("      | ").Append(' ', excerpt.CaretOffset).Append('^').Append('~', Math.Max(0, excerpt.CaretLength - 1)).Append('\n');
        }

        if (diagnostic.Hint is { } hint)
        {
            text.Append("      = ").Append(hint).Append('\n');
        }
    }
}
