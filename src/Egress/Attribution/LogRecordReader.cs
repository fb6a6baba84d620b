using System.Buffers.Text;
using System.Collections.Immutable;
using System.Text.Json;
using SoftUnicast.Egress.Life;
using SoftUnicast.Egress.SharingOut;

namespace SoftUnicast.Egress.Attribution;

/// <summary>Reads lines back. What is no record is null: the caller knows where it stands, and says so.</summary>
internal static class LogRecordReader
{
    private const int HashLength = 64;

    /// <param name="line">Without its line feed.</param>
    public static LogRecord? Read(ReadOnlyMemory<byte> line)
    {
        try
        {
            var json = new Utf8JsonReader(line.Span);
            json.Read();
            var fields = LogFields.Read(ref json);
            return json.Read() || json.BytesConsumed != line.Length ? null : new LogRecord(
                LogFields.Given(fields.Seq),
                LogFields.Given(fields.Time),
                LogFields.Given(fields.Boot),
                TimeSpan.FromMilliseconds(LogFields.Given(fields.SinceBootMs)),
                LogFields.Given(fields.Server),
                Body(fields),
                LogFields.Given(fields.Prev));
        }
        catch (Exception refusal) when (refusal is JsonException or FormatException or InvalidOperationException or OverflowException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>The number of a line, without reading all of it; null if it does not begin as a record does.</summary>
    public static long? Seq(ReadOnlySpan<byte> line)
    {
        var start = "{\"seq\":"u8;
        return line.StartsWith(start) && Utf8Parser.TryParse(line[start.Length..], out long seq, out _) ? seq : null;
    }

    /// <summary>The former line's hash that a line carries; empty if it does not end as a record does.</summary>
    public static ReadOnlySpan<byte> Prev(ReadOnlySpan<byte> line)
    {
        var before = ",\"prev\":\""u8;
        var start = line.Length - HashLength - 2;
        return start >= before.Length && line.EndsWith("\"}"u8) && line[..start].EndsWith(before) ? line.Slice(start, HashLength) : default;
    }

    /// <summary>The event's name, without reading the line; empty if there is none in its place.</summary>
    public static ReadOnlySpan<byte> Event(ReadOnlySpan<byte> line)
    {
        var before = "\"event\":\""u8;
        var at = line.IndexOf(before);
        if (at < 0)
        {
            return default;
        }

        var rest = line[(at + before.Length)..];
        var end = rest.IndexOf((byte)'"');
        return end < 0 ? default : rest[..end];
    }

    private static LogBody Body(LogFields fields)
    {
        var name = LogFields.Given(fields.Event);
        switch (name)
        {
            case SliceRecords.Free or SliceRecords.Owned or SliceRecords.Draining or SliceRecords.Quarantined or SliceRecords.Used
                or SliceRecords.Unused or SliceRecords.Granted or SliceRecords.Withdrawn or SliceRecords.DrainAsked or SliceRecords.DrainCancelled:
                return new LogBody.Entry(new AttributionEntry.SliceChanged(fields.ToSlice(), name));

            case LogWords.Leased:
                return new LogBody.Entry(new AttributionEntry.LeaseTaken(fields.ToLease()));

            case LogWords.Snapshot:
                var slices = LogFields.Given(fields.SliceObjects).Select(s => s.ToSlice()).Select(s => KeyValuePair.Create(s.Slice, s.AfterRestart()));
                var leases = LogFields.Given(fields.LeaseObjects).Select(l => l.ToLease())
                    .Aggregate(Leases.None, (all, lease) => all.With(lease))
                    .NotBefore(LogFields.Given(fields.NextLease));
                return new LogBody.Snapshot(new AttributionState(ImmutableSortedDictionary.CreateRange(slices), leases), fields.Former);

            case LogWords.Gap:
                return new LogBody.Gap(LogFields.Given(fields.From), LogFields.Given(fields.Reason), fields.Cut, fields.Broken);

            case LogWords.ClockSet:
                return new LogBody.ClockSet(LogFields.Given(fields.From));

            case LogWords.Stopped:
                return new LogBody.Stopped();

            case LogWords.Closed:
                return new LogBody.Closed(LogFields.Given(fields.Next));

            default:
                foreach (var (how, word) in LogWords.LeaseEnds)
                {
                    if (word == name)
                    {
                        var lease = fields.ToLease();
                        return new LogBody.Entry(new AttributionEntry.LeaseLost(new LostLease(lease, lease.Slices, how)));
                    }
                }

                return new LogBody.Other(name);
        }
    }
}
