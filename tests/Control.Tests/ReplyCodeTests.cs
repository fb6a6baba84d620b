using System.Globalization;
using System.Text.RegularExpressions;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Control.Tests.Support;

namespace SoftUnicast.Control.Tests;

public sealed partial class ReplyCodeTests
{
    private static readonly string Manual = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "cli.md"));

    [Fact]
    public void Every_code_is_registered_once() =>
        Assert.Equal(Enum.GetValues<ReplyCode>(), ReplyCodes.All.Select(c => c.Code));

    [Fact]
    public void The_manual_has_the_same_codes() =>
        Assert.Equal(
            ReplyCodes.All.Select(c => $"{c.Number:d4}|{c.ExitStatus}|{c.Meaning}{(c.ClosesConnection ? " Closes." : "")}"),
            CodeRows().Matches(Manual).Select(m => $"{m.Groups[1].Value}|{m.Groups[2].Value}|{m.Groups[3].Value}"));

    [Fact]
    public void The_manual_has_every_command_as_the_grammar_writes_it() =>
        Assert.All(CommandParser.Manual().Where(c => !c.Usage.EndsWith("[...]", StringComparison.Ordinal)), c =>
            Assert.Contains($"`{c.Usage}`", Manual, StringComparison.Ordinal));

    [Theory]
    [InlineData(ReplyCode.Done, 0)]
    [InlineData(ReplyCode.GoingDown, 0)]
    [InlineData(ReplyCode.Slices, 0)]
    [InlineData(ReplyCode.NotFound, 1)]
    [InlineData(ReplyCode.InternalError, 1)]
    [InlineData(ReplyCode.AccessDenied, 4)]
    [InlineData(ReplyCode.NotYours, 4)]
    [InlineData(ReplyCode.NotHandingOut, 1)]
    [InlineData(ReplyCode.UnknownWord, 2)]
    [InlineData(ReplyCode.TooLong, 2)]
    public void A_code_gives_an_exit_status(ReplyCode code, int status) => Assert.Equal(status, ReplyCodes.Of(code).ExitStatus);

    [Fact]
    public void Every_reply_has_a_code_of_its_own()
    {
        var kinds = Samples.All.DistinctBy(r => r.GetType()).ToList();
        Assert.Equal(kinds.Count, kinds.Select(r => r.Code).Distinct().Count());
    }

    [Theory]
    [InlineData(0ul, "0 B")]
    [InlineData(1023ul, "1023 B")]
    [InlineData(1024ul, "1.0 KiB")]
    [InlineData(6789012ul, "6.5 MiB")]
    [InlineData(ulong.MaxValue, "16.0 EiB")]
    public void Bytes_are_written_for_people(ulong bytes, string text) => Assert.Equal(text, Units.Bytes(bytes));

    [Theory]
    [InlineData("00:00:00", "0 ms")]
    [InlineData("00:00:00.0125", "12.5 ms")]
    [InlineData("00:00:01.5", "00:00:01")]
    [InlineData("1.02:03:04", "1d 02:03:04")]
    public void Durations_are_written_for_people(string duration, string text) =>
        Assert.Equal(text, Units.Duration(TimeSpan.Parse(duration, CultureInfo.InvariantCulture)));

    [GeneratedRegex(@"^\| ([0-9]{4}) \| ([0-4]) \| (.*) \|$", RegexOptions.Multiline)]
    private static partial Regex CodeRows();
}
