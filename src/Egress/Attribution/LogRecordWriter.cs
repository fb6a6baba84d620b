using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using SoftUnicast.Egress.Life;
using SoftUnicast.Egress.SharingOut;
using SoftUnicast.Model;

namespace SoftUnicast.Egress.Attribution;

/// <summary>Writes records as lines of JSON, and chains them. docs/attribution.md is the format.</summary>
internal sealed class LogRecordWriter : IDisposable
{
    private readonly ArrayBufferWriter<byte> lines = new(1024);
    private readonly Utf8JsonWriter json;

    public LogRecordWriter() => json = new Utf8JsonWriter(lines, new JsonWriterOptions { SkipValidation = true });

    /// <summary>The lines so far, each with its line feed.</summary>
    public ReadOnlySpan<byte> Lines => lines.WrittenSpan;

    /// <summary>Adds a line.</summary>
    /// <returns>The line's hash, which the next record carries.</returns>
    public string Add(LogRecord record)
    {
        var start = lines.WrittenCount;
        json.Reset();
        json.WriteStartObject();
        json.WriteNumber("seq", record.Seq);
        json.WriteString("time", Text(record.Time));
        json.WriteString("boot", record.Boot);
        json.WriteNumber("since_boot_ms", (long)record.SinceBoot.TotalMilliseconds);
        WriteBody(record.Body, record.Server);
        json.WriteString("prev", record.Prev);
        json.WriteEndObject();
        json.Flush();
        var hash = Hash(lines.WrittenSpan[start..]);
        lines.Write("\n"u8);
        return hash;
    }

    public static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    public static string Hash(ReadOnlySpan<byte> line)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(line, hash);
        return Convert.ToHexStringLower(hash);
    }

    public void Dispose() => json.Dispose();

    private void WriteBody(LogBody body, string server)
    {
        switch (body)
        {
            case LogBody.Entry(AttributionEntry.SliceChanged change):
                json.WriteString("event", change.Event);
                WriteSlice(change.State, server);
                break;

            case LogBody.Entry(AttributionEntry.LeaseTaken(var lease)):
                json.WriteString("event", LogWords.Leased);
                json.WriteString("server", server);
                WriteLease(lease);
                break;

            case LogBody.Entry(AttributionEntry.LeaseLost(var lost)):
                json.WriteString("event", LogWords.LeaseEnds[lost.How]);
                json.WriteString("server", server);
                WriteLease(lost.Lease with { Slices = lost.Lost });
                break;

            case LogBody.Snapshot(var state, var former):
                json.WriteString("event", LogWords.Snapshot);
                json.WriteString("server", server);
                if (former is not null)
                {
                    json.WriteString("former", former);
                }

                json.WriteNumber("next_lease", state.Leases.NextId);
                WriteObjects("slices", state.Slices.Values, slice => WriteSlice(slice, null));
                WriteObjects("leases", state.Leases.InForce.Values, WriteLease);
                break;

            case LogBody.Gap gap:
                json.WriteString("event", LogWords.Gap);
                json.WriteString("server", server);
                json.WriteString("from", Text(gap.From));
                json.WriteString("reason", gap.Reason);
                WriteIfAny("cut", gap.Cut);
                WriteIfAny("broken", gap.Broken);
                break;

            case LogBody.ClockSet(var from):
                json.WriteString("event", LogWords.ClockSet);
                json.WriteString("server", server);
                json.WriteString("from", Text(from));
                break;

            case LogBody.Stopped:
                json.WriteString("event", LogWords.Stopped);
                json.WriteString("server", server);
                break;

            case LogBody.Closed(var next):
                json.WriteString("event", LogWords.Closed);
                json.WriteString("server", server);
                json.WriteString("next", next);
                break;

            default:
                throw new ArgumentOutOfRangeException(nameof(body), body, null);
        }
    }

    private void WriteSlice(SliceState slice, string? server)
    {
        json.WriteString("address", slice.Slice.Address.ToString());
        json.WriteString("ports", slice.Slice.Ports.ToString());
        if (server is not null)
        {
            json.WriteString("server", server);
        }

        json.WriteString("pool", slice.Pool);
        json.WriteString("phase", SliceRecords.Of(slice.Phase));
        json.WriteString("use", Sharing.Name(slice.Use));
        json.WriteBoolean("granted", slice.Granted);
        json.WriteBoolean("drain", slice.DrainAsked);
        json.WriteBoolean("waits_out", slice.WaitsOut);
        if (slice.Since is { } since)
        {
            json.WriteString("since", Text(since.Wall));
            json.WriteString("since_boot", since.BootId);
            json.WriteNumber("phase_since_boot_ms", (long)since.SinceBoot.TotalMilliseconds);
        }
    }

    private void WriteLease(Lease lease)
    {
        json.WriteNumber("lease", lease.Id);
        json.WriteNumber("pid", lease.Holder.Process.Id);
        json.WriteNumber("start", lease.Holder.Process.Start);
        json.WriteNumber("uid", lease.Holder.Uid);
        json.WriteString("command", lease.Holder.Command);
        if (lease.Holder.Cgroup is { } cgroup)
        {
            json.WriteString("cgroup", cgroup);
            json.WriteNumber("cgroup_id", lease.Holder.CgroupId);
        }

        json.WriteString("use", Sharing.Name(lease.Use));
        json.WriteString("taken", Text(lease.Since));
        WriteTexts("pools", lease.Pools);
        json.WriteStartArray("slices");
        foreach (var slice in lease.Slices)
        {
            json.WriteStringValue(slice.ToString());
        }

        json.WriteEndArray();
    }

    private void WriteObjects<T>(string name, IEnumerable<T> items, Action<T> write)
    {
        json.WriteStartArray(name);
        foreach (var item in items)
        {
            json.WriteStartObject();
            write(item);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteTexts(string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }

    private void WriteIfAny(string name, string? text)
    {
        if (text is not null)
        {
            json.WriteString(name, text);
        }
    }
}
