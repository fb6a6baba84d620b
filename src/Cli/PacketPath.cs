using System.Collections.Immutable;
using System.Text.Json;
using SoftUnicast.Control.Replies;

namespace SoftUnicast.Cli;

/// <summary>An interface that the pinned packet path is on.</summary>
/// <param name="Runs">native, generic; null: the link is pinned, and nothing runs there.</param>
internal sealed record PinnedInterface(string Name, string? Runs, uint ProgramId);

/// <summary>A counter of the pinned packet path.</summary>
internal sealed record PinnedCounter(string Reason, string Verdict, bool Dropped, ulong Packets, ulong Bytes);

/// <summary>What the packet path does without the daemon.</summary>
/// <param name="Generation">The daemon's last complete write of the tables.</param>
internal sealed record PinnedReport(ImmutableArray<PinnedInterface> Interfaces, ulong Generation, ImmutableArray<PinnedCounter> Counters);

/// <summary>Looks at the pinned packet path.</summary>
internal interface IPinnedPacketPath
{
    /// <returns>The report, or why there is none.</returns>
    (PinnedReport? Report, string? Because) Read(string pins);
}

/// <summary>Tells that the daemon is down, and what its packet path still does.</summary>
internal static class PacketPath
{
    public static int Tell(ConnectException failure, CliOptions options, Output console, IPinnedPacketPath path)
    {
        if (failure.Status != ExitStatus.DaemonDown)
        {
            if (options.Json)
            {
                console.Error.WriteLine(Json(failure.Message, null, null));
            }
            else
            {
                console.Complain(failure.Message);
            }

            return failure.Status;
        }

        var (report, because) = path.Read(options.Pins);
        if (options.Json)
        {
            console.Error.WriteLine(Json(failure.Message, report, because));
        }
        else
        {
            console.Complain(failure.Message);
            foreach (var line in Lines(report, because))
            {
                console.Error.WriteLine(line);
            }
        }

        return failure.Status;
    }

    private static IEnumerable<string> Lines(PinnedReport? report, string? because)
    {
        if (report is null)
        {
            yield return $"packet path: {because}";
            yield break;
        }

        var running = report.Interfaces.Where(i => i.Runs is not null).ToArray();
        yield return running.Length == 0
            ? "packet path: pinned, and attached nowhere: no packet is steered"
            : $"packet path: goes on steering on {string.Join(", ", running.Select(i => $"{i.Name} ({i.Runs}, program {i.ProgramId})"))}, "
                + $"by the tables of generation {report.Generation}";
        foreach (var gone in report.Interfaces.Where(i => i.Runs is null))
        {
            yield return $"  ! {gone.Name}: pinned, and nothing runs there";
        }

        foreach (var line in new TextTable<PinnedCounter>([.. report.Counters.Where(c => c.Packets > 0)])
            .Left("reason", c => c.Reason)
            .Left("verdict", c => c.Dropped ? $"! {c.Verdict}" : $"  {c.Verdict}")
            .Right("packets", c => Units.Count(c.Packets))
            .Right("bytes", c => Units.Bytes(c.Bytes))
            .Lines())
        {
            yield return line;
        }
    }

    private static string Json(string error, PinnedReport? report, string? because)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("error", error);
            if (report is not null)
            {
                json.WriteStartObject("packet_path");
                json.WriteNumber("generation", report.Generation);
                json.WriteStartArray("interfaces");
                foreach (var attached in report.Interfaces)
                {
                    json.WriteStartObject();
                    json.WriteString("name", attached.Name);
                    json.WriteString("xdp_mode", attached.Runs);
                    json.WriteNumber("program_id", attached.ProgramId);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteStartArray("reasons");
                foreach (var counter in report.Counters)
                {
                    json.WriteStartObject();
                    json.WriteString("reason", counter.Reason);
                    json.WriteString("verdict", counter.Verdict);
                    json.WriteBoolean("dropped", counter.Dropped);
                    json.WriteNumber("packets", counter.Packets);
                    json.WriteNumber("bytes", counter.Bytes);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }
            else if (because is not null)
            {
                json.WriteString("packet_path_unknown", because);
            }

            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.ToArray());
    }
}
