using System.Buffers.Text;
using System.Collections.Immutable;
using System.Text;
using SoftUnicast.Egress.Life;
using SoftUnicast.Egress.SharingOut;
using SoftUnicast.Model;

namespace SoftUnicast.Egress.Attribution;

/// <summary>
/// Reads one file for one question. A file is a run of stretches of time, each with one answer; where the clock was set back,
/// more than one stretch holds the time that is asked for.
/// </summary>
internal sealed class WhoScan(LogFileName name, IpAddress address, ushort port, DateTimeOffset asked)
{
    private readonly byte[] addressText = Encoding.ASCII.GetBytes(address.ToString());
    private readonly SortedDictionary<long, Lease> holders = [];
    private readonly List<WhoAnswer> answers = [];
    private SliceState? slice;
    private DateTimeOffset? begin;
    private RecordPlace place = new(name.ToString(), 1, 0);
    private string server = "";
    private long lastSeq;

    /// <summary>The answers of all stretches that hold the time; mostly one.</summary>
    public IReadOnlyList<WhoAnswer> Answers => answers;

    /// <summary>Null if the chain of the file holds.</summary>
    public WhoAnswer.Unknown? Fault { get; private set; }

    public WhoScan Read(ReadOnlyMemory<byte> bytes, LogTip? tip)
    {
        var hash = "";
        ReadOnlyMemory<byte> last = default;
        foreach (var (number, line) in new LogLines(bytes).All())
        {
            var seq = LogRecordReader.Seq(line.Span);
            if (seq is null || (number > 1 && (seq != lastSeq + 1 || !LogRecordReader.Prev(line.Span).SequenceEqual(Encoding.ASCII.GetBytes(hash)))))
            {
                Blame(number, seq ?? 0, "the chain of records is broken there");
                return this;
            }

            (lastSeq, last, hash) = (seq.Value, line, LogRecordWriter.Hash(line.Span));
            if (Concerns(line.Span) && !Take(number, LogRecordReader.Read(line)))
            {
                Blame(number, lastSeq, "it cannot be read");
                return this;
            }
        }

        if (begin is not null)
        {
            // Nothing ends the file: it is the newest, or its end is missing.
            var end = LogRecordReader.Read(last)?.Time ?? begin.Value;
            var alive = tip is not null && tip.Seq == lastSeq && tip.Hash == hash ? tip.Alive + (3 * AttributionLog.AliveEvery) : end;
            Close(alive > end ? alive : end);
        }

        if (tip is not null && ((tip.Seq == lastSeq && tip.Hash != hash) || (tip.Seq > lastSeq && begin is not null)))
        {
            Blame(0, tip.Seq, $"{LogTip.FileName} knows another end of the log");
        }

        return this;
    }

    private bool Concerns(ReadOnlySpan<byte> line)
    {
        var name = LogRecordReader.Event(line);
        return name.SequenceEqual("snapshot"u8) || name.SequenceEqual("gap"u8) || name.SequenceEqual("clock-set"u8)
            || name.SequenceEqual("stopped"u8) || name.SequenceEqual("closed"u8) || line.IndexOf(addressText) >= 0
            || (name.SequenceEqual("leased"u8) && IsHeld(line));
    }

    /// <summary>A lease that held the port may have other slices now.</summary>
    private bool IsHeld(ReadOnlySpan<byte> line)
    {
        var before = "\"lease\":"u8;
        var at = line.IndexOf(before);
        return at >= 0 && Utf8Parser.TryParse(line[(at + before.Length)..], out long id, out _) && holders.ContainsKey(id);
    }

    /// <returns>False: no record.</returns>
    private bool Take(int number, LogRecord? record)
    {
        if (record is null)
        {
            return false;
        }

        server = record.Server;
        var here = new RecordPlace(name.ToString(), number, record.Seq);
        switch (record.Body)
        {
            case LogBody.Snapshot(var all, _):
                holders.Clear();
                foreach (var lease in all.Leases.Of(address, port))
                {
                    holders[lease.Id] = lease;
                }

                Start(record, here, all.Slices.Values.FirstOrDefault(s => s.Slice.Contains(address, port)));
                break;

            case LogBody.Entry(AttributionEntry.SliceChanged(var changed, _)) when changed.Slice.Contains(address, port):
                Close(record.Time);
                Start(record, here, changed);
                break;

            case LogBody.Entry(AttributionEntry.LeaseTaken(var lease)):
                var has = lease.Slices.Any(s => s.Contains(address, port));
                if (has || holders.ContainsKey(lease.Id))
                {
                    Close(record.Time);
                    holders.Remove(lease.Id);
                    if (has)
                    {
                        holders[lease.Id] = lease;
                    }

                    Start(record, here, slice);
                }

                break;

            case LogBody.Entry(AttributionEntry.LeaseLost(var lost)) when lost.Lost.Any(s => s.Contains(address, port)):
                Close(record.Time);
                holders.Remove(lost.Lease.Id);
                Start(record, here, slice);
                break;

            case LogBody.Gap gap:
                Close(gap.From);
                if (gap.From <= asked && asked < record.Time)
                {
                    answers.Add(IsOurs
                        ? new WhoAnswer.Unknown($"nobody wrote from {LogRecordWriter.Text(gap.From)} to {LogRecordWriter.Text(record.Time)} ({gap.Reason}): {slice!.Slice} stayed with {server}, who held it there is unknown", here, slice)
                        : new WhoAnswer.NotOurs(server, here));
                }

                Start(record, here, slice);
                break;

            case LogBody.ClockSet(var from):
                Close(from);
                Start(record, here, slice);
                break;

            case LogBody.Stopped or LogBody.Closed:
                Close(record.Time);
                begin = null;
                break;
        }

        return true;
    }

    private bool IsOurs => slice is { Phase: not SlicePhase.Free };

    private void Start(LogRecord record, RecordPlace here, SliceState? next) => (begin, place, slice) = (record.Time, here, next);

    private void Close(DateTimeOffset end)
    {
        if (begin <= asked && asked < end)
        {
            answers.Add(IsOurs ? new WhoAnswer.Had(server, slice!, [.. holders.Values], place) : new WhoAnswer.NotOurs(server, place));
        }
    }

    private void Blame(int number, long seq, string what)
    {
        var at = number == 0 ? null : new RecordPlace(name.ToString(), number, seq);
        Fault = new WhoAnswer.Unknown(at is null ? $"{name}: {what}" : $"{at}: {what}", at);
    }
}
