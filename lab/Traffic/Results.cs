using System.Text.Json;
using System.Text.Json.Serialization;

namespace SoftUnicast.Traffic;

/// <param name="Source">The address and port that it left from, null if it never did.</param>
/// <param name="Seen">The source as the origin saw it.</param>
internal sealed record FetchResult(string? Source, string? Seen, long Bytes, long Milliseconds, bool Ok, string? Error);

internal sealed record UdpResult(
    string? Source, int Sent, int Received, int Lost, int Doubled, int Altered, double MedianMilliseconds, double LongestGapMilliseconds, bool Ok, string? Error);

internal sealed record HoldResult(int Connection, string? Source, long Messages, long LongestGapMilliseconds, bool Ok, string? Error);

/// <summary>A hold connection was silent for this long.</summary>
internal sealed record Gap(int Connection, string Source, long GapMilliseconds);

/// <summary>All hold connections stand.</summary>
internal sealed record Holding(int Connections);

/// <summary>What the origin saw: the first packet of a peer, or a request.</summary>
internal sealed record Seen(string Event, string Source, string? Detail);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(FetchResult))]
[JsonSerializable(typeof(UdpResult))]
[JsonSerializable(typeof(HoldResult))]
[JsonSerializable(typeof(Gap))]
[JsonSerializable(typeof(Holding))]
[JsonSerializable(typeof(Seen))]
internal sealed partial class ResultJson : JsonSerializerContext
{
    private static readonly Lock Output = new();

    public static void Print<T>(T result)
    {
        var line = JsonSerializer.Serialize(result, typeof(T), Default);
        lock (Output)
        {
            Console.Out.WriteLine(line);
            Console.Out.Flush();
        }
    }
}
