using System.Text;

namespace SoftUnicast.Config.Tests;

/// <summary>Whatever is done to a file, reading it gives a value or errors: never an exception, never both.</summary>
public class FuzzTests
{
    private const string Alphabet = "ab0129-:.,[]{}#&*!|>'\"%@`?<~\\/ \n\t\0\r\u00e9\u2028\ud83d";
    private static readonly string[] Words =
    [
        "null", "on", "0x10", "-1", "{}", "[]", "''", "<<", "&a", "*a", "!!str", "---", "...", "%YAML 1.2", "192.0.2.0/24", "0-65535", "2001:db8::", "- ", ": ", "\n  ",
        "99999999999999999999", "? ", "!<",
    ];

    public static TheoryData<string> Sources() =>
        ["etc/fleet.yaml", "etc/softunicast.yaml", "etc/assignment.yaml", "etc/naming.yaml", "corpus/good/fleet-small.yaml", "corpus/good/server-small.yaml", "corpus/good/assignment-small.yaml"];

    [Theory]
    [MemberData(nameof(Sources))]
    public void A_mutated_file_never_throws(string source)
    {
        var original = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, source));
        var fleet = Files.SmallFleet();
        for (var seed = 0; seed < 1500; seed++)
        {
            var text = Mutate(original, new Random(seed));
            try
            {
                Check(FleetYaml.Read("f.yaml", text));
                Check(ServerYaml.Read("s.yaml", text, fleet));
                Check(AssignmentYaml.Read("a.yaml", text, fleet));
                Check(NamingYaml.Read("n.yaml", text, fleet));
            }
            catch (Exception fault) when (fault is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"seed {seed} of {source}: {fault}\n{text}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Sources))]
    public void Mutated_bytes_never_throw(string source)
    {
        var original = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, source));
        for (var seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            var bytes = (byte[])original.Clone();
            for (var i = random.Next(1, 4); i > 0; i--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                Check(FleetYaml.Read("f.yaml", bytes));
                Check(ServerYaml.Read("s.yaml", bytes));
                Check(AssignmentYaml.Read("a.yaml", bytes));
                Check(NamingYaml.Read("n.yaml", bytes));
            }
            catch (Exception fault) when (fault is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"seed {seed} of {source}: {fault}");
            }
        }
    }

    [Fact]
    public void Noise_never_throws()
    {
        for (var seed = 0; seed < 20_000; seed++)
        {
            var random = new Random(seed);
            var text = string.Concat(Enumerable.Range(0, random.Next(60)).Select(_ => random.Next(6) == 0 ? Words[random.Next(Words.Length)] : Alphabet[random.Next(30)].ToString()));
            try
            {
                Check(FleetYaml.Read("f.yaml", text));
            }
            catch (Exception fault) when (fault is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"seed {seed}: {fault}\n{text}");
            }
        }
    }

    private static void Check<T>(ConfigResult<T> result)
        where T : class
    {
        Assert.Equal(result.HasErrors, result.Value is null);
        foreach (var diagnostic in result.Diagnostics)
        {
            Assert.NotEmpty(diagnostic.Message);
            if (diagnostic.Excerpt is { } excerpt)
            {
                Assert.InRange(excerpt.CaretOffset, 0, excerpt.Text.Length);
                Assert.True(diagnostic is { Line: > 0, Column: > 0, Length: > 0 });
            }
        }

        Assert.EndsWith(result.Diagnostics.IsEmpty ? "" : "\n", DiagnosticText.Render(result.Diagnostics), StringComparison.Ordinal);
    }

    private static string Mutate(string original, Random random)
    {
        var text = new StringBuilder(original);
        for (var i = random.Next(1, 5); i > 0; i--)
        {
            var at = random.Next(text.Length);
            var length = Math.Min(random.Next(1, 12), text.Length - at);
            switch (random.Next(6))
            {
                case 0:
                    text.Remove(at, length);
                    break;
                case 1:
                    text[at] = Alphabet[random.Next(Alphabet.Length)];
                    break;
                case 2:
                    text.Insert(at, Words[random.Next(Words.Length)]);
                    break;
                case 3:
                    text.Insert(random.Next(text.Length), text.ToString(at, length));
                    break;
                case 4:
                    text.Length = Math.Max(1, at);
                    break;
                default:
                    text.Remove(at, length).Insert(at, Words[random.Next(Words.Length)]);
                    break;
            }

            if (text.Length == 0)
            {
                text.Append('x');
            }
        }

        return text.ToString();
    }
}
