using System.Runtime.CompilerServices;
using System.Text;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Tests.Support;
using SoftUnicast.Control.Wire;

namespace SoftUnicast.Control.Tests;

/// <summary>
/// Transcripts that a person can read: a line after <c>&gt; </c> is sent, what follows is what comes back: as softunicastc
/// prints it, or in a file named *-v.session, as it goes over the socket. With SOFTUNICAST_WRITE_SESSIONS set the files are
/// written instead of compared.
/// </summary>
public sealed class SessionTests
{
    public static TheoryData<string> Files =>
        [.. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Sessions"), "*.session").Select(f => Path.GetFileName(f)).Order()];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task A_session_goes_as_written(string file)
    {
        var expected = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "Sessions", file), TestContext.Current.CancellationToken);
        var numbered = file.EndsWith("-v.session", StringComparison.Ordinal);
        var access = file.StartsWith("read-only", StringComparison.Ordinal) ? AccessLevel.ReadOnly : AccessLevel.Full;
        await using var connection = new Connection(access);
        var actual = new StringBuilder();
        foreach (var comment in expected.Split('\n').TakeWhile(l => l.StartsWith('#')))
        {
            actual.Append(comment).Append('\n');
        }

        await AppendReplyAsync(connection, actual, numbered);
        foreach (var request in expected.Split('\n').Where(l => l.StartsWith("> ", StringComparison.Ordinal)))
        {
            actual.Append(request).Append('\n');
            await connection.SendAsync(request[2..] + "\n");
            await AppendReplyAsync(connection, actual, numbered);
        }

        if (Environment.GetEnvironmentVariable("SOFTUNICAST_WRITE_SESSIONS") is not null)
        {
            await File.WriteAllTextAsync(Path.Combine(SourceFolder(), "Sessions", file), actual.ToString(), TestContext.Current.CancellationToken);
            return;
        }

        Assert.Equal(expected, actual.ToString());
    }

    private static async Task AppendReplyAsync(Connection connection, StringBuilder text, bool numbered)
    {
        int? before = null;
        while (await connection.LineAsync() is { } raw)
        {
            Assert.True(ReplyLine.TryParse(raw, before, out var line), raw);
            before = line.Number;
            if (numbered)
            {
                text.Append(raw).Append('\n');
            }
            else if (!(line.Last && line.Text.Length == 0))
            {
                text.Append(line.Text).Append('\n');
            }

            if (line.Last)
            {
                break;
            }
        }
    }

    private static string SourceFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
