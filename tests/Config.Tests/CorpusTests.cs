namespace SoftUnicast.Config.Tests;

/// <summary>Every file of the corpus against the rendering that stands beside it.</summary>
public class CorpusTests
{
    public static TheoryData<string> BadFiles() => [.. Names(Files.Corpus)];

    public static TheoryData<string> GoodFiles() => [.. Names(Path.Combine(Files.Corpus, "good"))];

    [Theory]
    [MemberData(nameof(BadFiles))]
    public void A_bad_file_is_reported_exactly_as_the_file_beside_it_says(string name)
    {
        var path = Path.Combine(Files.Corpus, name);
        var expectation = Path.ChangeExtension(path, ".diag");
        Assert.True(File.Exists(expectation), $"{name} has no .diag beside it");
        var actual = DiagnosticText.Render(Files.Diagnose(name, File.ReadAllBytes(path)));
        Assert.NotEmpty(actual);
        Assert.Equal(File.ReadAllText(expectation), actual);
    }

    [Theory]
    [MemberData(nameof(GoodFiles))]
    public void A_good_file_is_read_without_a_diagnostic(string name) =>
        Assert.Equal("", DiagnosticText.Render(Files.Diagnose(name, Files.Good(name))));

    [Fact]
    public void Every_expectation_belongs_to_a_file() => Assert.Equal(
        Names(Files.Corpus),
        Directory.GetFiles(Files.Corpus, "*.diag").Select(p => Path.GetFileNameWithoutExtension(p) + ".yaml").Order(StringComparer.Ordinal));

    [Fact]
    public void The_corpus_is_not_lost() => Assert.True(Names(Files.Corpus).Count() >= 150, $"{Names(Files.Corpus).Count()} files");

    private static IEnumerable<string> Names(string folder) =>
        Directory.GetFiles(folder, "*.yaml").Select(p => Path.GetFileName(p)).Order(StringComparer.Ordinal);
}
