namespace SoftUnicast.Config;

/// <summary>How bad a diagnostic is. Only an error keeps a file from being used.</summary>
public enum Severity
{
    Error = 0,
    Warning = 1,
}

/// <summary>The source line that a diagnostic points into, cut to a width that fits a terminal.</summary>
/// <param name="Text">The line, or a part of it between ellipses.</param>
/// <param name="CaretOffset">Where the offending text starts in <paramref name="Text"/>, from 0.</param>
/// <param name="CaretLength">How many characters of it are shown, at least 1.</param>
public sealed record SourceExcerpt(string Text, int CaretOffset, int CaretLength);

/// <summary>One thing that an operator should change in a configuration file, and where.</summary>
/// <param name="File">The file's name as the caller gave it.</param>
/// <param name="Line">From 1; 0 if it concerns the file as a whole.</param>
/// <param name="Column">From 1, in UTF-16 characters; 0 if it concerns the file as a whole.</param>
/// <param name="Length">Characters of the offending text on that line, at least 1; 0 if it concerns the file as a whole.</param>
/// <param name="Message">What is wrong: one sentence without a full stop.</param>
/// <param name="Hint">What would do, or null.</param>
/// <param name="Excerpt">The source line, or null if there is none to show.</param>
public sealed record Diagnostic(
    Severity Severity,
    string File,
    int Line,
    int Column,
    int Length,
    string Message,
    string? Hint = null,
    SourceExcerpt? Excerpt = null);
