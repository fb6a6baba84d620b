using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace SoftUnicast.Config.Tests;

/// <summary>Each message that the readers can give is in the corpus or in a test of this project.</summary>
public partial class MessageCoverageTests
{
    // Messages that no file of a reviewable size can cause; the tests named here cause them.
    private static readonly string[] ShownElsewhere =
    [
        "the file is larger than {maxBytes >> 20} MiB", // LimitTests
        "half a surrogate pair, U+{codePoint:X4}", // LimitTests: text that is no UTF-16 never comes from a file
        "{count - Limit} more {noun} not shown", // LimitTests
        "the text ends too early", // no text is known that gets there: the parser reports it first
    ];

    [Fact]
    public void Every_message_of_the_readers_is_in_the_corpus()
    {
        var shown = string.Concat(Directory.GetFiles(Files.Corpus, "*.diag").Select(File.ReadAllText));
        var missing = Messages().Except(ShownElsewhere).Where(m => !Pattern(m).IsMatch(shown)).ToArray();
        Assert.Empty(missing);
    }

    [Fact]
    public void The_scan_finds_the_messages() => Assert.True(Messages().Count() > 80);

    /// <summary>The string literals of the sources that hold a blank: what a person reads.</summary>
    private static IEnumerable<string> Messages([CallerFilePath] string here = "")
    {
        var folder = Path.Combine(Path.GetDirectoryName(here)!, "../../src/Config");
        Assert.SkipUnless(Directory.Exists(folder), "the sources are not where this was compiled");
        return Directory.GetFiles(folder, "*.cs")
            .Where(p => Path.GetFileName(p) is not ("AssignmentWriter.cs" or "ConfigCheck.cs" or "DiagnosticText.cs"))
            .SelectMany(File.ReadLines)
            .Select(line => line.Trim())
            .Where(line => !line.StartsWith("//", StringComparison.Ordinal) && !line.Contains("throw new", StringComparison.Ordinal))
            .SelectMany(line => Literal().Matches(line))
            .Select(match => match.Groups[1].Value)
            .Where(text => text.Contains(' ', StringComparison.Ordinal) && text.Any(char.IsAsciiLetterLower))
            .Distinct();
    }

    private static Regex Pattern(string message) =>
        new(string.Concat(Hole().Split(message.Replace("\\\"", "\"", StringComparison.Ordinal)).Select((part, i) => i == 0 ? Regex.Escape(part) : ".*" + Regex.Escape(part))), RegexOptions.CultureInvariant);

    [GeneratedRegex("\"((?:[^\"\\\\{]|\\\\.|\\{[^{}]*\\})*)\"")]
    private static partial Regex Literal();

    [GeneratedRegex("\\{[^{}]+\\}")]
    private static partial Regex Hole();
}
