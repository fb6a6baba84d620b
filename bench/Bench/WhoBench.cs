using System.Diagnostics;
using SoftUnicast.Egress;
using SoftUnicast.Egress.Attribution;
using SoftUnicast.Egress.Life;
using SoftUnicast.Egress.SharingOut;
using SoftUnicast.Model;

namespace SoftUnicast.Bench;

/// <param name="WhoMs">99th percentile of the time that one question takes, its files not read before, in milliseconds.</param>
/// <param name="Files">Files of the log, one a day.</param>
/// <param name="Records">Records in all of them.</param>
internal sealed record WhoFigures(double WhoMs, int Files, long Records, long Bytes);

/// <summary>How long "who had this port then?" takes over a year of a busy server's log.</summary>
internal static class WhoBench
{
    private const int Days = 365;
    private const int RecordsADay = 3000;
    private const int Slices = 96; // three addresses' worth, as one server of a small fleet has
    private const int Questions = 100;
    private const int Seed = 20261122;
    private static readonly DateTimeOffset Start = new(2025, 11, 22, 0, 0, 0, TimeSpan.Zero);

    public static WhoFigures Run()
    {
        var folder = Directory.CreateTempSubdirectory("softunicast-who-").FullName;
        try
        {
            var records = Fill(folder);
            var random = new Random(Seed);
            Ask(folder, random); // the first question also compiles the code
            var times = new List<double>();
            for (var i = 0; i < Questions; i++)
            {
                var begin = Stopwatch.GetTimestamp();
                Ask(folder, random);
                times.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
            }

            var files = Directory.GetFiles(folder, "*.jsonl");
            return new WhoFigures(times.Order().ElementAt((Questions * 99 / 100) - 1), files.Length, records, files.Sum(f => new FileInfo(f).Length));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Each day, leases are taken and given back by turns, evenly over day and slices; two appends a day.</summary>
    private static long Fill(string folder)
    {
        var random = new Random(Seed);
        var held = new Queue<Lease>();
        var records = 1L;
        using var log = AttributionLog.Open(folder, "ams-1", At(0, 0), new NoSync());
        log.Append([.. Enumerable.Range(0, Slices).Select(i => new AttributionEntry.SliceChanged(
            new SliceState(Slice(i), "us-general") { Phase = SlicePhase.Owned, Granted = true, Use = SliceUse.Range, Since = At(0, 0) }, SliceRecords.Owned))], At(0, 0));
        for (var day = 0; day < Days; day++)
        {
            var entries = new List<AttributionEntry>();
            for (var i = 0; i < RecordsADay; i++)
            {
                if (i % 2 == 0)
                {
                    var holder = new Holder(new ProcessName(random.Next(2, 4_000_000), (ulong)random.NextInt64(1L << 40)), 1000, "worker");
                    var lease = new Lease(((long)day * RecordsADay) + i + 1, holder, ["us-general"], [Slice(random.Next(Slices))], SliceUse.Range, At(day, i).Wall);
                    held.Enqueue(lease);
                    entries.Add(new AttributionEntry.LeaseTaken(lease));
                }
                else if (held.Count > 50)
                {
                    var lease = held.Dequeue();
                    entries.Add(new AttributionEntry.LeaseLost(new LostLease(lease, lease.Slices, LeaseEnd.Released)));
                }

                if (i % (RecordsADay / 2) == (RecordsADay / 2) - 1)
                {
                    records += entries.Count;
                    log.Append(entries, At(day, i));
                    entries.Clear();
                }
            }
        }

        log.Stop(At(Days - 1, RecordsADay));
        return records + Slices + (2 * (Days - 1)) + 1;
    }

    private static void Ask(string folder, Random random)
    {
        var slice = Slice(random.Next(Slices));
        var time = Start.AddMinutes(random.Next(1, Days * 24 * 60));
        if (AttributionReader.Who(folder, slice.Address, slice.Ports.First, time) is not WhoAnswer.Had had || had.Slice.Slice != slice)
        {
            throw new IOException($"no answer for {slice} at {time:O}");
        }
    }

    private static AddressPorts Slice(int index) => new(
        IpAddress.FromUInt32(0xC0000207u + (uint)(index / 31)), SliceSize.Create(2048).PortsOf(1 + (index % 31)));

    private static Clock At(int day, int record)
    {
        var since = TimeSpan.FromDays(day) + (TimeSpan.FromDays(1) * record / (RecordsADay + 1));
        return new Clock(Start + since, since, "5f1c9a52-0e0b-4c4e-9d1c-6a6d0f6d5b01");
    }

    /// <summary>The year is made in seconds and thrown away: its names need not survive a power cut.</summary>
    private sealed class NoSync : IFolderSync
    {
        public void Sync(string folder)
        {
        }
    }
}
