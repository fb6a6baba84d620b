namespace SoftUnicast.Daemon.Tests;

public class CommandLineTests
{
    [Theory]
    [InlineData("", "Run", null)]
    [InlineData("/a.yaml", "Run", "/a.yaml")]
    [InlineData("--check", "Check", null)]
    [InlineData("--check /a.yaml", "Check", "/a.yaml")]
    [InlineData("/a.yaml --check", "Check", "/a.yaml")]
    [InlineData("--help", "Help", null)]
    [InlineData("/a.yaml -h", "Help", null)]
    [InlineData("--version", "Version", null)]
    public void Understands(string line, string action, string? file)
    {
        var parsed = CommandLine.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Null(parsed.Error);
        Assert.Equal((action, file), (parsed.Action.ToString(), parsed.File));
    }

    [Theory]
    [InlineData("--chek", "there is no option '--chek'")]
    [InlineData("-x", "there is no option '-x'")]
    [InlineData("/a.yaml /b.yaml", "one file is enough: '/a.yaml' or '/b.yaml'")]
    public void Refuses(string line, string error) => Assert.Equal(error, CommandLine.Parse(line.Split(' ')).Error);

    [Fact]
    public void Refuses_an_empty_name() => Assert.Equal("an empty file name", CommandLine.Parse([""]).Error);
}
