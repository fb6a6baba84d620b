using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using SoftUnicast.Egress.Attribution;
using SoftUnicast.Egress.Life;
using SoftUnicast.Egress.SharingOut;
using SoftUnicast.Egress.Tests.Support;
using SoftUnicast.Model;

namespace SoftUnicast.Egress.Tests.Attribution;

public sealed class LogTests
{
    private const string Today = "attribution-2026-11-22.jsonl";

    [Fact]
    public void A_new_log_begins_with_a_snapshot_of_nothing_and_verifies()
    {
        using var folder = new TempFolder();
        using var log = folder.Open(At.Second(0));

        Assert.Equal(
            """{"seq":1,"time":"2026-11-22T12:00:00.000Z","boot":"5f1c9a52-0e0b-4c4e-9d1c-6a6d0f6d5b01","since_boot_ms":3600000,"event":"snapshot","server":"ams-1","next_lease":1,"slices":[],"leases":[],"prev":"0000000000000000000000000000000000000000000000000000000000000000"}""",
            Assert.Single(folder.Lines(Today)));
        Assert.Equal(1, folder.Syncs);
        Assert.Equal(new AttributionOpening(null, null, null, null), log.Opening);
        Assert.Null(log.Problem);
        Assert.Empty(AttributionReader.Verify(folder.Path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, File.GetUnixFileMode(folder.At(Today)));
    }

    [Fact]
    public void A_record_says_this()
    {
        using var folder = new TempFolder();
        using var log = folder.Open(At.Second(0));
        log.Append([Samples.Now(Samples.Owned(since: 1.25))], At.Second(1.25));
        log.Append([Samples.Taken(Samples.Lease(1, 2) with { Holder = Samples.Curl with { Cgroup = "/system.slice/a.service", CgroupId = 77 } })], At.Second(2));

        var lines = folder.Lines(Today);
        Assert.StartsWith(
            """{"seq":2,"time":"2026-11-22T12:00:01.250Z","boot":"5f1c9a52-0e0b-4c4e-9d1c-6a6d0f6d5b01","since_boot_ms":3601250,"event":"owned","address":"192.0.2.7","ports":"4096-6143","server":"ams-1","pool":"us-general","phase":"owned","use":"none","granted":true,"drain":false,"waits_out":false,"since":"2026-11-22T12:00:01.250Z","since_boot":"5f1c9a52-0e0b-4c4e-9d1c-6a6d0f6d5b01","phase_since_boot_ms":3601250,"prev":" """.TrimEnd(),
            lines[1], StringComparison.Ordinal);
        Assert.StartsWith(
            """{"seq":3,"time":"2026-11-22T12:00:02.000Z","boot":"5f1c9a52-0e0b-4c4e-9d1c-6a6d0f6d5b01","since_boot_ms":3602000,"event":"leased","server":"ams-1","lease":1,"pid":4711,"start":360123,"uid":1000,"command":"curl","cgroup":"/system.slice/a.service","cgroup_id":77,"use":"range","taken":"2026-11-22T12:00:02.000Z","pools":["us-general"],"slices":["192.0.2.7:4096-6143"],"prev":" """.TrimEnd(),
            lines[2], StringComparison.Ordinal);
        Assert.EndsWith($"\"prev\":\"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(lines[1])))}\"}}", lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_written_is_in_force_after_a_restart()
    {
        using var folder = new TempFolder();
        AttributionState before;
        using (var log = folder.Open(At.Second(0)))
        {
            log.Append([Samples.Now(Samples.Owned()), Samples.Now(Samples.Owned(AddressPorts.Parse("[2001:db8::7]:2048-4095")))], At.Second(1));
            log.Append([Samples.Now(Samples.Owned(use: SliceUse.Range), SliceRecords.Used), Samples.Taken(Samples.Lease(1)), Samples.Taken(Samples.Lease(2))], At.Second(2));
            log.Append([Samples.Taken(Samples.Lease(3, 2, Samples.Slice, Samples.Other))], At.Second(3));
            log.Append([Samples.Lost(Samples.Lease(2)), new AttributionEntry.LeaseLost(new LostLease(Samples.Lease(3, 2, Samples.Slice, Samples.Other), [Samples.Slice], LeaseEnd.Revoked))], At.Second(4));
            before = log.State;
        }

        using var again = folder.Open(At.Second(60));
        Compare.Same(before, again.State);
        Assert.Equal([1L, 3L], again.State.Leases.InForce.Keys);
        Assert.Equal([Samples.Other], again.State.Leases.InForce[3].Slices);
        Assert.Equal(4, again.State.Leases.NextId);
        Assert.True(again.State.Slices[Samples.Slice].Held);
        Assert.Equal("lease 2 was released", again.State.Leases.Release(2, default, 0).Error!.Message);
        Assert.Empty(AttributionReader.Verify(folder.Path));
    }

    [Fact]
    public void A_cgroup_whose_slices_were_all_taken_back_is_known_after_a_restart_and_in_the_next_days_file()
    {
        using var folder = new TempFolder();
        var lease = Samples.Lease(1) with { Holder = Samples.Curl with { Cgroup = "/system.slice/a.service", CgroupId = 77 }, Use = SliceUse.Exec };
        using (var log = folder.Open(At.Second(0)))
        {
            log.Append([Samples.Taken(lease), Samples.Lost(lease, LeaseEnd.Revoked)], At.Second(1));
        }

        using (var log = folder.Open(At.Second(60)))
        {
            Compare.Same(new AttributionState(AttributionState.Empty.Slices, Leases.None.With(lease with { Slices = [] })), log.State);
            log.Tick(At.Second(86_400));
        }

        using var again = folder.Open(At.Second(86_500));
        Assert.Equal(lease.Holder, Assert.Single(again.State.Leases.InForce.Values).Holder);
        Assert.Equal([Samples.Other], again.Append([Samples.Taken(lease with { Slices = [Samples.Other] })], At.Second(86_501)).Leases.InForce[1].Slices);
        var over = again.Append([Samples.Lost(lease with { Slices = [Samples.Other] }, LeaseEnd.Revoked), Samples.Lost(lease with { Slices = [] }, LeaseEnd.Ended)], At.Second(86_502));
        Assert.True(over.Leases.IsEmpty);
        Assert.Equal(2, over.Leases.NextId);
        Assert.Empty(AttributionReader.Verify(folder.Path));
    }

    [Fact]
    public void A_log_in_which_a_cgroup_took_another_lease_after_a_drain_leaves_it_one()
    {
        using var folder = new TempFolder();
        var holder = Samples.Curl with { Cgroup = "/system.slice/a.service", CgroupId = 77 };
        using (var log = folder.Open(At.Second(0)))
        {
            log.Append([Samples.Taken(Samples.Lease(1) with { Holder = holder }), Samples.Lost(Samples.Lease(1) with { Holder = holder }, LeaseEnd.Revoked)], At.Second(1));
            log.Append([Samples.Taken(Samples.Lease(2, 2, Samples.Other) with { Holder = holder })], At.Second(2));
        }

        using var again = folder.Open(At.Second(60));
        Assert.Equal([2L], again.State.Leases.InForce.Keys);
    }

    public static TheoryData<string, bool, Clock, string, double> Ends => new()
    {
        { "stopped", true, At.Second(60), "stopped in order", 7 },
        { "killed", false, At.Second(60), "the daemon ended without a word", 5 },
        { "power cut", false, At.SecondAfterReboot(160), "the server went down", 5 },
    };

    [Theory]
    [MemberData(nameof(Ends))]
    public void A_start_says_since_when_nobody_wrote(string end, bool inOrder, Clock start, string reason, double from)
    {
        using var folder = new TempFolder();
        using (var log = folder.Open(At.Second(0)))
        {
            log.Append([Samples.Now(Samples.Owned())], At.Second(1));
            log.Tick(At.Second(5));
            if (inOrder)
            {
                log.Stop(At.Second(7));
            }
        }

        using var again = folder.Open(start);
        Assert.True(new AttributionOpening(At.Second(from).Wall, reason, null, null) == again.Opening, end);
        var gap = JsonDocument.Parse(folder.Lines(Today)[^1]).RootElement;
        Assert.Equal("gap", gap.GetProperty("event").GetString());
        Assert.Equal(at(from), gap.GetProperty("from").GetString());
        Assert.Equal(reason, gap.GetProperty("reason").GetString());
        Assert.Empty(AttributionReader.Verify(folder.Path));

        static string at(double second) => $"2026-11-22T12:00:{second:00}.000Z";
    }

    [Fact]
    public void Every_day_has_its_file_and_each_answers_alone()
    {
        using var folder = new TempFolder();
        AttributionState state;
        using (var log = folder.Open(At.Second(0)))
        {
            log.Append([Samples.Now(Samples.Owned()), Samples.Taken(Samples.Lease(1))], At.Second(1));
            log.Tick(At.Second(86_400)); // the clock alone begins a day
            state = log.Append([Samples.Now(Samples.Owned(Samples.Other))], At.Second(2 * 86_400));
        }

        Assert.Equal([Today, "attribution-2026-11-23.jsonl", "attribution-2026-11-24.jsonl"], folder.Logs);
        Assert.Contains("\"event\":\"closed\",\"server\":\"ams-1\",\"next\":\"attribution-2026-11-23.jsonl\"", folder.Lines(Today)[^1], StringComparison.Ordinal);
        Assert.Contains("\"former\":\"attribution-2026-11-23.jsonl\",\"next_lease\":2,\"slices\":[{\"address\":\"192.0.2.7\"", folder.Lines("attribution-2026-11-24.jsonl")[0], StringComparison.Ordinal);
        Assert.Empty(AttributionReader.Verify(folder.Path));

        File.Delete(folder.At(Today));
        File.Delete(folder.At("attribution-2026-11-23.jsonl"));
        Assert.Empty(AttributionReader.Verify(folder.Path)); // old files may go
        using var again = folder.Open(At.Second(2 * 86_400 + 5));
        Compare.Same(state, again.State);
    }

    [Fact]
    public void The_leap_day_and_the_turn_of_the_year_are_days_as_others()
    {
        using var folder = new TempFolder();
        var start = new DateTimeOffset(2027, 12, 30, 23, 0, 0, TimeSpan.Zero);
        using (var log = folder.Open(new Clock(start, TimeSpan.Zero, At.Boot)))
        {
            for (var hour = 1; hour < 24 * 66; hour++)
            {
                log.Append([Samples.Now(Samples.Owned(since: hour))], new Clock(start.AddHours(hour), TimeSpan.FromHours(hour), At.Boot));
            }
        }

        var expected = Enumerable.Range(0, 67).Select(i => DateOnly.FromDateTime(start.UtcDateTime).AddDays(i)).Select(d => $"attribution-{d:yyyy-MM-dd}.jsonl").ToList();
        Assert.Contains("attribution-2028-02-29.jsonl", expected);
        Assert.Equal(expected, folder.Logs);
        Assert.Empty(AttributionReader.Verify(folder.Path));
    }

    [Fact]
    public void A_day_that_the_clock_is_set_back_to_gets_a_second_file()
    {
        using var folder = new TempFolder();
        using (var log = folder.Open(At.Second(0)))
        {
            log.Append([Samples.Now(Samples.Owned())], At.Second(1));
            log.Append([Samples.Now(Samples.Owned(Samples.Other))], At.Second(2, ahead: 4 * 86_400));
            log.Append([Samples.Taken(Samples.Lease(1))], At.Second(3));
        }

        Assert.Equal(["attribution-2026-11-22.1.jsonl", Today, "attribution-2026-11-26.jsonl"], folder.Logs);
        Assert.Empty(AttributionReader.Verify(folder.Path));

        // The newest is found by its records, not by its name.
        using var again = folder.Open(At.Second(10));
        Assert.Equal((2, 1), (again.State.Slices.Count, again.State.Leases.InForce.Count));
        Assert.Empty(AttributionReader.Verify(folder.Path));
    }

    [Fact]
    public void A_clock_that_is_set_is_written_down_and_one_that_is_steered_does_not_run_back_in_the_log()
    {
        using var folder = new TempFolder();
        using var log = folder.Open(At.Second(0));
        log.Append([Samples.Now(Samples.Owned())], At.Second(10));
        log.Append([Samples.Now(Samples.Owned(Samples.Other))], At.Second(10.5, ahead: -1));
        Assert.Contains("\"time\":\"2026-11-22T12:00:10.000Z\"", folder.Lines(Today)[2], StringComparison.Ordinal);

        log.Append([Samples.Taken(Samples.Lease(1))], At.Second(20, ahead: -3600));
        var set = folder.Lines(Today)[3];
        Assert.Contains("\"time\":\"2026-11-22T11:00:20.000Z\"", set, StringComparison.Ordinal);
        Assert.Contains("\"event\":\"clock-set\",\"server\":\"ams-1\",\"from\":\"2026-11-22T12:00:19.000Z\"", set, StringComparison.Ordinal);
    }

    [Fact]
    public void A_slice_that_there_is_nothing_to_remember_of_leaves_the_state()
    {
        using var folder = new TempFolder();
        using var log = folder.Open(At.Second(0));
        log.Append([Samples.Now(Samples.Owned())], At.Second(1));
        Assert.Empty(log.Append([Samples.Now(Samples.Free() with { Since = At.Second(2) })], At.Second(2)).Slices);
        Assert.Single(log.Append([Samples.Now(Samples.Free() with { DrainAsked = true }, SliceRecords.DrainAsked)], At.Second(3)).Slices);
    }

    [Fact]
    public void A_hundred_thousand_records_are_read_back_and_verified()
    {
        using var folder = new TempFolder();
        AttributionState before;
        using (var log = folder.Open(At.Second(0)))
        {
            for (var batch = 0; batch < 50; batch++)
            {
                log.Append([.. Enumerable.Range((batch * 1000) + 1, 1000).SelectMany(id => new[] { Samples.Taken(Samples.Lease(id)), id % 100 == 0 ? Samples.Now(Samples.Owned(since: id)) : Samples.Lost(Samples.Lease(id)) })], At.Second(batch));
            }

            before = log.State;
        }

        Assert.Equal(500, before.Leases.InForce.Count);
        Assert.Equal(100_001, folder.Lines(Today).Length);
        using var again = folder.Open(At.Second(100));
        Compare.Same(before, again.State);
        Assert.Empty(AttributionReader.Verify(folder.Path));
    }

    [Fact]
    public void Any_command_name_is_written_and_read_back()
    {
        using var folder = new TempFolder();
        var lease = Samples.Lease(1) with { Holder = Samples.Curl with { Command = "a\"b\\c\nd\u0000\u00e9</x>" } };
        using (var log = folder.Open(At.Second(0)))
        {
            log.Append([Samples.Taken(lease)], At.Second(1));
        }

        using var again = folder.Open(At.Second(2));
        Assert.Equal(lease.Holder, again.State.Leases.InForce[1].Holder);
    }
}
