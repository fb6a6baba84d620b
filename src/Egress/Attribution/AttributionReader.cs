using SoftUnicast.Model;

namespace SoftUnicast.Egress.Attribution;

/// <summary>Answers questions from the files alone, beside a running writer or without one.</summary>
public static class AttributionReader
{
    private const int LongestClosing = 1024;

    /// <summary>Who had the port at a time? Reads the file of that day, and the one before if that reaches into it.</summary>
    /// <param name="time">To the millisecond.</param>
    /// <exception cref="IOException">The folder or a file cannot be read.</exception>
    public static WhoAnswer Who(string folder, IpAddress address, ushort port, DateTimeOffset time)
    {
        // The tip first: what is read after it cannot lag behind it.
        var files = new DiskFolder(folder, null);
        var tip = LogTip.Read(files.Read(LogTip.FileName));
        var day = LogFileName.DayOf(time);
        var names = files.Names().Select(n => (IsLog: LogFileName.TryParse(n, out var name), Name: name)).Where(n => n.IsLog).Select(n => n.Name).ToList();
        if (names.Count == 0)
        {
            return new WhoAnswer.Unknown($"there is no log in {folder}", null);
        }

        var earlier = names.Where(n => n.Day < day).Select(n => (DateOnly?)n.Day).Max();
        var scans = names
            .Where(n => n.Day == day || (n.Day == earlier && ReachesTo(files, n, time)))
            .Order()
            .Select(n => new WhoScan(n, address, port, time).Read(files.Read(n.ToString()) ?? [], tip))
            .ToList();
        if (scans.FirstOrDefault(s => s.Fault is not null)?.Fault is { } fault)
        {
            return fault;
        }

        var answers = scans.SelectMany(s => s.Answers).ToList();
        return answers switch
        {
            [] => NoRecord(names, day),
            [var answer] => answer,
            [var first, .. var others] when others.TrueForAll(o => Says(o) == Says(first)) => answers[^1],
            _ => new WhoAnswer.Unknown(
                $"the clock was set back, {LogRecordWriter.Text(time)} came more than once, with different answers: {string.Join(", ", answers.Select(PlaceOf))}",
                PlaceOf(answers[^1])),
        };
    }

    /// <summary>Checks every record of every file against the one before it. Empty: nothing was changed or taken out.</summary>
    /// <exception cref="IOException">The folder or a file cannot be read.</exception>
    public static IReadOnlyList<LogFault> Verify(string folder) => new ChainCheck(new DiskFolder(folder, null)).Run();

    /// <summary>False: the file's last record says that it ended before.</summary>
    private static bool ReachesTo(DiskFolder files, LogFileName name, DateTimeOffset time)
    {
        var tail = files.ReadTail(name.ToString(), LongestClosing).AsMemory();
        if (tail.IsEmpty || tail.Span[^1] != (byte)'\n')
        {
            return true;
        }

        var line = tail[..^1][(tail.Span[..^1].LastIndexOf((byte)'\n') + 1)..];
        return LogRecordReader.Read(line) is not { Body: LogBody.Closed } closed || closed.Time > time;
    }

    private static WhoAnswer.Unknown NoRecord(List<LogFileName> names, DateOnly day) => new(
        names.TrueForAll(n => n.Day > day) ? $"the log begins later, with {names.Min()}" : "no record speaks of that time: it lies before the first one or behind the last one",
        null);

    private static RecordPlace? PlaceOf(WhoAnswer answer) => answer switch
    {
        WhoAnswer.Had had => had.Record,
        WhoAnswer.NotOurs not => not.Record,
        WhoAnswer.Unknown unknown => unknown.Record,
        _ => null,
    };

    private static string Says(WhoAnswer answer) => answer switch
    {
        WhoAnswer.Had had => $"{had.Slice.Slice} {had.Slice.Phase} {had.Slice.Use} {string.Join(',', had.Holders.Select(h => h.Id))}",
        WhoAnswer.NotOurs => "not ours",
        WhoAnswer.Unknown unknown => $"unknown {unknown.Record}",
        _ => "",
    };
}
