using System.Diagnostics;
using SoftUnicast.Egress.Attribution;
using SoftUnicast.Egress.Tests.Support;

namespace SoftUnicast.Egress.Tests.Attribution;

/// <summary>What cannot be written is not in force; what is in force stays.</summary>
public sealed class FullDiskTests
{
    private const string Today = "attribution-2026-11-22.jsonl";

    [Fact]
    public void Whatever_room_there_is_a_record_is_there_whole_or_not_at_all()
    {
        for (var room = 0; room < 500; room += 7)
        {
            using var folder = new TempFolder();
            var disk = new FaultyFolder(folder.Path);
            using var log = AttributionLog.Open(disk, Samples.Server, At.Second(0));
            var before = log.Append([Samples.Now(Samples.Owned())], At.Second(1));
            var length = new FileInfo(folder.At(Today)).Length;

            disk.Room = room;
            var refusal = Record.Exception(() => log.Append([Samples.Taken(Samples.Lease(1))], At.Second(2)));
            if (refusal is not null)
            {
                var said = Assert.IsType<AttributionException>(refusal);
                Assert.Equal($"{folder.At(Today)} cannot be written (No space left on device): nothing new is handed out until it can", said.Message);
                Assert.Same(said, log.Problem);
                Compare.Same(before, log.State);
                Assert.Equal(length, new FileInfo(folder.At(Today)).Length);
            }

            disk.Room = long.MaxValue;
            log.Append([Samples.Taken(Samples.Lease(2))], At.Second(3));
            Assert.Null(log.Problem);
            Assert.Equal(refusal is null ? [1L, 2L] : [2L], log.State.Leases.InForce.Keys);
            Assert.Empty(AttributionReader.Verify(folder.Path));
        }
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public void A_record_that_is_not_durable_does_not_count(bool flushFails, bool shorteningFails)
    {
        using var folder = new TempFolder();
        var disk = new FaultyFolder(folder.Path);
        using (var log = AttributionLog.Open(disk, Samples.Server, At.Second(0)))
        {
            (disk.RefusesFlush, disk.RefusesShortening, disk.Room) = (flushFails, shorteningFails, flushFails ? long.MaxValue : 100);
            Assert.Throws<AttributionException>(() => log.Append([Samples.Taken(Samples.Lease(1))], At.Second(1)));
            Assert.True(log.State.Leases.IsEmpty);
            Assert.Equal(shorteningFails, new FileInfo(folder.At(Today)).Length > folder.Lines(Today)[0].Length + 1);
            Assert.Throws<AttributionException>(() => log.Append([Samples.Taken(Samples.Lease(1))], At.Second(2)));

            (disk.RefusesFlush, disk.RefusesShortening, disk.Room) = (false, false, long.MaxValue);
            log.Append([Samples.Taken(Samples.Lease(2))], At.Second(3));
        }

        Assert.Empty(AttributionReader.Verify(folder.Path));
        using var again = folder.Open(At.Second(4));
        Assert.Equal([2L], again.State.Leases.InForce.Keys);
    }

    [Fact]
    public void As_long_as_what_failed_would_fail_again_a_tick_says_so_and_leaves_no_trace()
    {
        using var folder = new TempFolder();
        var disk = new FaultyFolder(folder.Path);
        using var log = AttributionLog.Open(disk, Samples.Server, At.Second(0));
        var length = new FileInfo(folder.At(Today)).Length;
        disk.Room = 300;
        Assert.Throws<AttributionException>(() => log.Append([Samples.Taken(Samples.Lease(1))], At.Second(1)));
        for (var second = 2; second < 5; second++)
        {
            disk.Room = 300;
            Assert.Throws<AttributionException>(() => log.Tick(At.Second(second)));
            Assert.NotNull(log.Problem);
            Assert.Equal(length, new FileInfo(folder.At(Today)).Length);
        }

        disk.Room = long.MaxValue;
        log.Tick(At.Second(5));
        Assert.Null(log.Problem);
        Assert.Equal(length, new FileInfo(folder.At(Today)).Length);
        Assert.True(log.State.Leases.IsEmpty);
        log.Append([Samples.Taken(Samples.Lease(2))], At.Second(6));
        Assert.Empty(AttributionReader.Verify(folder.Path));
    }

    [Fact]
    public void A_new_day_waits_for_room()
    {
        for (var room = 0; room < 1600; room += 50)
        {
            using var folder = new TempFolder();
            var disk = new FaultyFolder(folder.Path);
            AttributionState state;
            using (var log = AttributionLog.Open(disk, Samples.Server, At.Second(0)))
            {
                log.Append([Samples.Now(Samples.Owned()), Samples.Taken(Samples.Lease(1))], At.Second(1));
                disk.Room = room;
                Record.Exception(() => log.Append([Samples.Taken(Samples.Lease(2))], At.Second(86_400)));
                Record.Exception(() => log.Tick(At.Second(86_401)));
                disk.Room = long.MaxValue;
                state = log.Append([Samples.Lost(Samples.Lease(1))], At.Second(86_402));
            }

            Assert.Equal([Today, "attribution-2026-11-23.jsonl"], folder.Logs);
            Assert.Empty(AttributionReader.Verify(folder.Path));
            using var again = folder.Open(At.Second(86_410));
            Compare.Same(state, again.State);
        }
    }

    [Fact]
    public void A_name_that_is_not_durable_holds_no_record()
    {
        using var folder = new TempFolder();
        var disk = new FaultyFolder(folder.Path) { RefusesNames = true };
        using var log = AttributionLog.Open(disk, Samples.Server, At.Second(0));
        Assert.Equal($"{folder.At(Today)} cannot be written (Input/output error): nothing new is handed out until it can", log.Problem!.Message);
        Assert.Throws<AttributionException>(() => log.Append([Samples.Taken(Samples.Lease(1))], At.Second(1)));
        Assert.Equal(0, new FileInfo(folder.At(Today)).Length);

        disk.RefusesNames = false;
        log.Append([Samples.Taken(Samples.Lease(1))], At.Second(2));
        Assert.Empty(AttributionReader.Verify(folder.Path));
    }

    [Fact]
    public void A_full_disk_at_the_start_hides_nothing_of_what_is_in_force_and_the_gap_is_written_with_the_first_record()
    {
        using var folder = new TempFolder();
        AttributionState state;
        using (var log = folder.Open(At.Second(0)))
        {
            state = log.Append([Samples.Now(Samples.Owned()), Samples.Taken(Samples.Lease(1))], At.Second(1));
        }

        var disk = new FaultyFolder(folder.Path) { Room = 0 };
        using var again = AttributionLog.Open(disk, Samples.Server, At.Second(60));
        Compare.Same(state, again.State);
        Assert.NotNull(again.Problem);

        disk.Room = long.MaxValue;
        again.Append([Samples.Lost(Samples.Lease(1))], At.Second(70));
        var lines = folder.Lines(Today);
        Assert.Contains("\"event\":\"gap\",\"server\":\"ams-1\",\"from\":\"2026-11-22T12:00:01.000Z\"", lines[^2], StringComparison.Ordinal);
        Assert.Contains("\"event\":\"released\"", lines[^1], StringComparison.Ordinal);
        Assert.Empty(AttributionReader.Verify(folder.Path));
    }

    [Fact]
    public void On_a_file_system_that_is_really_full_leases_stop_and_go_on_when_there_is_room()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "mounting needs root");
        using var folder = new TempFolder();
        Run("mount", "-t", "tmpfs", "-o", "size=64k", "softunicast-test", folder.Path);
        try
        {
            using var log = folder.Open(At.Second(0));
            var taken = 0;
            var refusal = Assert.Throws<AttributionException>(() =>
            {
                for (; taken < 1000; taken++)
                {
                    log.Append([Samples.Taken(Samples.Lease(taken + 1))], At.Second(taken));
                }
            });
            Assert.Contains("No space left on device", refusal.Message, StringComparison.Ordinal);
            Assert.Equal(taken, log.State.Leases.InForce.Count);
            Assert.Equal(taken + 1, folder.Lines(Today).Length);
            Assert.Empty(AttributionReader.Verify(folder.Path));

            Run("mount", "-o", "remount,size=128k", folder.Path);
            log.Append([Samples.Taken(Samples.Lease(5000))], At.Second(taken));
            Assert.Null(log.Problem);
            Assert.Empty(AttributionReader.Verify(folder.Path));
        }
        finally
        {
            Run("umount", folder.Path);
        }
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}");
    }
}
