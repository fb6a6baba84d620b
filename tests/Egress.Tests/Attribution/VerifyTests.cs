using System.Text;
using SoftUnicast.Egress.Attribution;
using SoftUnicast.Egress.Tests.Support;
using SoftUnicast.Steering.Tests.Support;

namespace SoftUnicast.Egress.Tests.Attribution;

/// <summary>A log that somebody changed is found out, and the place named.</summary>
public sealed class VerifyTests
{
    private const string First = "attribution-2026-11-22.jsonl";
    private const string Second = "attribution-2026-11-23.jsonl";
    private const string Third = "attribution-2026-11-24.jsonl";

    private static readonly List<(string Change, Action<TempFolder> Spoil, string First)> Spoilers =
    [
        ("nothing", _ => { }, ""),
        ("the oldest file deleted", f => File.Delete(f.At(First)), ""),
        ("a word changed", f => Replace(f, Second, 2, "curl", "wget"), $"{Second}:3: it carries another hash than that of {Second}:2 (record 7): one of the two was changed"),
        ("a hash changed", f => Replace(f, Second, 2, "\"prev\":\"", "\"prev\":\"0"), $"{Second}:2: it carries another hash than that of {Second}:1 (record 6): one of the two was changed"),
        ("a record taken out", f => Edit(f, Second, l => l.RemoveAt(1)), $"{Second}:2: records 7 to 7 are missing: the record before it is {Second}:1 (record 6)"),
        ("two records swapped", f => Edit(f, Second, l => l.Reverse(1, 2)), $"{Second}:2: records 7 to 7 are missing: the record before it is {Second}:1 (record 6)"),
        ("a record doubled", f => Edit(f, Second, l => l.Insert(1, l[1])), $"{Second}:3: record 7 stands behind {Second}:2 (record 7)"),
        ("a line that is none", f => Edit(f, Second, l => l.Insert(2, "# checked")), $"{Second}:3: not a record"),
        ("an empty line", f => Edit(f, Second, l => l.Insert(2, "")), $"{Second}:3: not a record"),
        ("the head taken out", f => Edit(f, Second, l => l.RemoveAt(0)), $"{Second}:1: the file does not begin with a snapshot of what is in force"),
        ("the end of an old file cut off", f => Edit(f, First, l => l.RemoveAt(l.Count - 1)), $"{Second}:1: records 5 to 5 are missing: the record before it is {First}:4 (record 4)"),
        ("a file taken out of the middle", f => File.Delete(f.At(Second)), $"{Second}: it is missing: {First}:5 (record 5) says that the log goes on there"),
        ("the newest file deleted", f => File.Delete(f.At(Third)), $"{Third}: it is missing: {Second}:5 (record 10) says that the log goes on there"),
        ("the newest file emptied", f => File.WriteAllText(f.At(Third), ""), $"{Second}:5: the log ends here: records 11 to 13 are missing (attribution.tip)"),
        ("an old file emptied", f => File.WriteAllText(f.At(Second), ""), $"{Third}:1: records 6 to 10 are missing: the record before it is {First}:5 (record 5)"),
        ("the last record cut off", f => Edit(f, Third, l => l.RemoveAt(l.Count - 1)), $"{Third}:2: the log ends here: records 13 to 13 are missing (attribution.tip)"),
        ("the last record changed", f => Replace(f, Third, 3, "curl", "wget"), $"{Third}:3: record 13 is not the one that attribution.tip knows: one of the two was changed"),
        ("the tip deleted", f => File.Delete(f.At("attribution.tip")), "attribution.tip: it is missing: nothing shows whether records were cut off at the end of the log"),
        ("the tip spoiled", f => File.WriteAllText(f.At("attribution.tip"), "{}"), "attribution.tip: it cannot be read"),
    ];

    public static TheoryData<string> Changes => [.. Spoilers.Select(s => s.Change)];

    [Theory]
    [MemberData(nameof(Changes))]
    public void What_was_changed_is_named(string change)
    {
        var (_, spoil, first) = Spoilers.Single(s => s.Change == change);
        using var folder = new TempFolder();
        Fill(folder);
        spoil(folder);
        var faults = AttributionReader.Verify(folder.Path);
        Assert.True(first == (faults.Count == 0 ? "" : faults[0].ToString()), $"{change}: {string.Join("; ", faults)}");
    }

    [Fact]
    public void A_byte_changed_anywhere_is_found_within_a_line_of_it()
    {
        var seed = Seed.Choose();
        var random = new Random(seed);
        using var folder = new TempFolder();
        Fill(folder);
        foreach (var name in new[] { First, Second, Third })
        {
            var bytes = File.ReadAllBytes(folder.At(name));
            for (var i = 0; i < 200; i++)
            {
                var at = random.Next(bytes.Length);
                var spoiled = bytes.ToArray();
                spoiled[at] ^= (byte)(1 << random.Next(8));
                File.WriteAllBytes(folder.At(name), spoiled);

                var line = bytes[..at].Count(b => b == '\n') + 1;
                var faults = AttributionReader.Verify(folder.Path);
                Assert.True(faults.Count > 0, $"{Seed.Hint(seed)}: byte {at} of {name}, nothing found");
                Assert.True(faults.Any(f => f.File != name || f.Line == 0 || Math.Abs(f.Line - line) <= 1), $"{Seed.Hint(seed)}: byte {at} of {name}, line {line}: {string.Join("; ", faults)}");
            }

            File.WriteAllBytes(folder.At(name), bytes);
        }

        Assert.Empty(AttributionReader.Verify(folder.Path));
    }

    [Fact]
    public void A_break_that_the_daemon_finds_at_its_start_stays_found()
    {
        using var folder = new TempFolder();
        Fill(folder);
        Replace(folder, Third, 2, "curl", "wget");
        using (var log = folder.Open(At.Second((2 * 86_400) + 60)))
        {
            Assert.Equal($"{Third}:3: does not follow the record before it", log.Opening.Broken);
            log.Append([Samples.Taken(Samples.Lease(77))], At.Second((2 * 86_400) + 61));
        }

        Assert.Equal(
            [$"{Third}:3: it carries another hash than that of {Third}:2 (record 12): one of the two was changed", $"{Third}:4: at that start the log was found broken: {Third}:3: does not follow the record before it"],
            AttributionReader.Verify(folder.Path).Select(f => f.ToString()));
    }

    [Fact]
    public void Records_cut_off_while_the_daemon_was_down_are_in_the_gap()
    {
        using var folder = new TempFolder();
        Fill(folder);
        Edit(folder, Third, l => l.RemoveAt(l.Count - 1));
        folder.Open(At.Second((2 * 86_400) + 60)).Dispose();
        Assert.Equal(
            $"{Third}:3: at that start the log was found broken: {Third}: it ends with record 12, attribution.tip knows record 13: the records between are missing",
            Assert.Single(AttributionReader.Verify(folder.Path)).ToString());
    }

    [Fact]
    public void A_file_removed_under_the_writer_is_written_anew_and_its_loss_named()
    {
        using var folder = new TempFolder();
        using var log = folder.Open(At.Second(0));
        log.Append([Samples.Taken(Samples.Lease(1))], At.Second(1));
        File.Delete(folder.At(First));
        log.Append([Samples.Taken(Samples.Lease(2))], At.Second(2));

        Assert.Equal([1L, 2L], log.State.Leases.InForce.Keys);
        Assert.Equal($"{First}:2: at that start the log was found broken: {First} was removed", Assert.Single(AttributionReader.Verify(folder.Path)).ToString());
        using var again = folder.Open(At.Second(3));
        Compare.Same(log.State, again.State);
    }

    private static void Fill(TempFolder folder)
    {
        using var log = folder.Open(At.Second(0));
        for (var day = 0; day < 3; day++)
        {
            for (var i = 1; i <= (day == 0 ? 3 : day == 1 ? 3 : 2); i++)
            {
                log.Append([Samples.Taken(Samples.Lease((10 * day) + i))], At.Second((day * 86_400) + i));
            }
        }
    }

    private static void Edit(TempFolder folder, string name, Action<List<string>> edit)
    {
        var lines = folder.Lines(name).ToList();
        edit(lines);
        File.WriteAllText(folder.At(name), string.Concat(lines.Select(l => l + "\n")), new UTF8Encoding(false));
    }

    private static void Replace(TempFolder folder, string name, int line, string old, string text) => Edit(folder, name, lines =>
    {
        Assert.Contains(old, lines[line - 1], StringComparison.Ordinal);
        lines[line - 1] = lines[line - 1].Replace(old, text, StringComparison.Ordinal);
        if (old == "\"prev\":\"")
        {
            lines[line - 1] = lines[line - 1][..^3] + "\"}";
        }
    });
}
