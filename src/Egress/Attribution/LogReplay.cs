using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using SoftUnicast.Egress.Life;

namespace SoftUnicast.Egress.Attribution;

/// <summary>What the newest file says: read once, when the log is opened.</summary>
internal sealed class LogReplay
{
    private const int LongestCut = 4096;

    private LogReplay(LogFileName name) => Name = name;

    public LogFileName Name { get; }

    public AttributionState State { get; private set; } = AttributionState.Empty;

    public long Seq { get; private set; }

    public string Hash { get; private set; } = LogWords.NoHash;

    public DateTimeOffset Time { get; private set; }

    public string Boot { get; private set; } = "";

    public LogBody? Last { get; private set; }

    /// <summary>Bytes of its complete lines.</summary>
    public long Length { get; private set; }

    /// <summary>What a crash cut short, at most 4 KiB of it.</summary>
    public string? Cut { get; private set; }

    /// <summary>The first break in the chain.</summary>
    public string? Broken { get; private set; }

    /// <summary>The newest file that has a record; null if there is none.</summary>
    /// <param name="cutHead">What stands in a file whose first record was cut short, or null.</param>
    public static LogReplay? Newest(ILogFolder folder, out string? cutHead)
    {
        cutHead = null;
        foreach (var (name, _) in InOrder(folder).Reverse())
        {
            var bytes = folder.Read(name.ToString()) ?? [];
            var lines = new LogLines(bytes);
            if (lines.CompleteBytes == 0)
            {
                cutHead ??= Text(lines.Rest);
                continue;
            }

            var replay = new LogReplay(name);
            replay.Read(lines);
            return replay;
        }

        return null;
    }

    /// <summary>The files in the order in which they were written: by the number of their first record, not by name.</summary>
    public static ImmutableArray<(LogFileName Name, long? FirstSeq)> InOrder(ILogFolder folder) =>
    [
        .. folder.Names()
            .Select(n => (IsLog: LogFileName.TryParse(n, out var name), Name: name))
            .Where(n => n.IsLog)
            .Select(n => (n.Name, FirstSeq: LogRecordReader.Seq(folder.ReadHead(n.Name.ToString(), 32))))
            .OrderBy(n => n.FirstSeq ?? 0).ThenBy(n => n.Name),
    ];

    /// <summary>Holds the tip against what was read.</summary>
    public void Compare(LogTip? tip)
    {
        if (tip is null || Broken is not null)
        {
            return;
        }

        if (tip.Seq > Seq)
        {
            Broken = string.Create(CultureInfo.InvariantCulture, $"{Name}: it ends with record {Seq}, {LogTip.FileName} knows record {tip.Seq}: the records between are missing");
        }
        else if (tip.Seq == Seq && tip.Hash != Hash)
        {
            Broken = string.Create(CultureInfo.InvariantCulture, $"{Name}: record {Seq} is not the one that {LogTip.FileName} knows");
        }
    }

    /// <summary>After a break nobody knows how long a slice has been waiting: all begin anew.</summary>
    public AttributionState StateAt(Clock now) => Broken is null
        ? State
        : State with
        {
            Slices = ImmutableSortedDictionary.CreateRange(State.Slices.Select(s => KeyValuePair.Create(
                s.Key, s.Value.Phase == SlicePhase.Quarantined ? s.Value with { Since = now } : s.Value))),
        };

    public static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span[..Math.Min(bytes.Length, LongestCut)]);

    private void Read(LogLines lines)
    {
        foreach (var (number, line) in lines.All())
        {
            var record = LogRecordReader.Read(line);
            if (record is null)
            {
                Broken ??= $"{Name}:{number}: not a record";
            }
            else if (number == 1 && record.Body is not LogBody.Snapshot)
            {
                Broken ??= $"{Name}:{number}: the file does not begin with a snapshot";
            }
            else if (number > 1 && (record.Prev != Hash || record.Seq != Seq + 1))
            {
                Broken ??= $"{Name}:{number}: does not follow the record before it";
            }

            Hash = LogRecordWriter.Hash(line.Span);
            Seq = record?.Seq ?? Seq + 1;
            Apply(record);
        }

        Length = lines.CompleteBytes;
        Cut = lines.Rest.IsEmpty ? null : Text(lines.Rest);
    }

    private void Apply(LogRecord? record)
    {
        if (record is null)
        {
            return;
        }

        (Time, Boot, Last) = (record.Time, record.Boot, record.Body);
        State = record.Body switch
        {
            LogBody.Snapshot(var all, _) => all,
            LogBody.Entry(var entry) => State.Apply(entry),
            _ => State,
        };
    }
}
