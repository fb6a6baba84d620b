using System.Text;
using SoftUnicast.Egress.Attribution;
using SoftUnicast.Egress.Tests.Support;

namespace SoftUnicast.Egress.Tests.Attribution;

/// <summary>The writer is killed in the middle of a record: never wrong, never less than what was in force.</summary>
public sealed class CutTests
{
    private const string Today = "attribution-2026-11-22.jsonl";

    [Fact]
    public void Cut_at_every_byte_of_the_last_two_records_the_log_ends_with_the_last_whole_one()
    {
        using var folder = new TempFolder();
        var states = new List<AttributionState>();
        byte[] tip;
        using (var log = folder.Open(At.Second(0)))
        {
            log.Append([Samples.Now(Samples.Owned()), Samples.Taken(Samples.Lease(1))], At.Second(1));
            states.Add(log.State);
            tip = File.ReadAllBytes(folder.At(LogTip.FileName)); // a crash may leave it as old as that
            states.Add(log.Append([Samples.Taken(Samples.Lease(2))], At.Second(2)));
            states.Add(log.Append([Samples.Lost(Samples.Lease(1))], At.Second(3)));
        }

        var bytes = File.ReadAllBytes(folder.At(Today));
        var ends = bytes.Select((b, i) => (b, i)).Where(x => x.b == '\n').Select(x => x.i + 1).TakeLast(3).ToArray();
        for (var length = ends[0]; length <= ends[2]; length++)
        {
            using var crashed = new TempFolder();
            File.WriteAllBytes(crashed.At(Today), bytes[..length]);
            File.WriteAllBytes(crashed.At(LogTip.FileName), tip);
            Assert.Empty(AttributionReader.Verify(crashed.Path));

            using var log = crashed.Open(At.Second(10));
            var whole = ends.Count(e => e <= length) - 1;
            Compare.Same(states[whole], log.State);
            var rest = Encoding.UTF8.GetString(bytes[ends[whole]..length]);
            Assert.Equal(rest.Length == 0 ? null : rest, log.Opening.Cut);
            Assert.Null(log.Opening.Broken);
            Assert.Contains("\"event\":\"gap\"", crashed.Lines(Today)[^1], StringComparison.Ordinal);
            Assert.Equal(rest.Length > 0, crashed.Lines(Today)[^1].Contains("\"cut\":", StringComparison.Ordinal));

            log.Append([Samples.Taken(Samples.Lease(9))], At.Second(11));
            Assert.Empty(AttributionReader.Verify(crashed.Path));
        }
    }

    [Fact]
    public void Killed_anywhere_in_the_turn_of_a_day_nothing_is_lost()
    {
        using var folder = new TempFolder();
        byte[] tip, before;
        AttributionState state;
        using (var log = folder.Open(At.Second(0)))
        {
            state = log.Append([Samples.Now(Samples.Owned()), Samples.Taken(Samples.Lease(1))], At.Second(1));
            tip = File.ReadAllBytes(folder.At(LogTip.FileName));
            before = File.ReadAllBytes(folder.At(Today));
            log.Tick(At.Second(86_400));
        }

        const string Tomorrow = "attribution-2026-11-23.jsonl";
        var closed = File.ReadAllBytes(folder.At(Today));
        var head = File.ReadAllBytes(folder.At(Tomorrow));
        for (var length = before.Length; length <= closed.Length + head.Length; length++)
        {
            using var crashed = new TempFolder();
            File.WriteAllBytes(crashed.At(Today), closed[..Math.Min(length, closed.Length)]);
            File.WriteAllBytes(crashed.At(LogTip.FileName), tip);
            if (length > closed.Length)
            {
                File.WriteAllBytes(crashed.At(Tomorrow), head[..(length - closed.Length - 1)]);
            }

            using (var log = crashed.Open(At.Second(86_410)))
            {
                Compare.Same(state, log.State);
                Assert.Null(log.Opening.Broken);
                Compare.Same(state, log.Append([], At.Second(86_411)));
                state = log.State;
            }

            Assert.Equal([Today, Tomorrow], crashed.Logs);
            Assert.Empty(AttributionReader.Verify(crashed.Path));
            using var again = crashed.Open(At.Second(86_420));
            Compare.Same(state, again.State);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100)]
    public void Killed_in_the_first_record_of_all_the_log_begins_anew(int length)
    {
        using var folder = new TempFolder();
        folder.Open(At.Second(0)).Dispose();
        var bytes = File.ReadAllBytes(folder.At(Today));
        File.Delete(folder.At(LogTip.FileName));
        File.WriteAllBytes(folder.At(Today), bytes[..length]);
        Assert.DoesNotContain(AttributionReader.Verify(folder.Path), f => f.File != Today);

        folder.Open(At.Second(5)).Dispose();
        Assert.Equal([Today], folder.Logs);
        Assert.Empty(AttributionReader.Verify(folder.Path));
    }

    [Fact]
    public void Zeros_that_a_file_system_left_at_the_end_are_cut_off()
    {
        using var folder = new TempFolder();
        AttributionState state;
        using (var log = folder.Open(At.Second(0)))
        {
            state = log.Append([Samples.Taken(Samples.Lease(1))], At.Second(1));
        }

        using (var file = File.Open(folder.At(Today), FileMode.Append))
        {
            file.Write(new byte[10_000]);
        }

        using var again = folder.Open(At.Second(5));
        Compare.Same(state, again.State);
        Assert.Equal(4096, again.Opening.Cut!.Length);
        Assert.Empty(AttributionReader.Verify(folder.Path));
    }
}
