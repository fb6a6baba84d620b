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

/// <summary>An HTTP service listens.</summary>
internal sealed record Listening(string Name, IReadOnlyList<string> Sockets);

/// <summary>Fetches by name between two marks. Times are those of fetches that went well.</summary>
/// <param name="Fetches">That went well; those that did not are <paramref name="Failed"/>, by kind.</param>
/// <param name="DnsRetransmissions">Queries that were sent again, of all fetches.</param>
/// <param name="Addresses">Different ones that were fetched from.</param>
/// <param name="Servers">Fetches by who answered.</param>
/// <param name="Load">Null: the mark named no prefix.</param>
internal sealed record PhaseResult(
    string Phase, double Seconds, int Fetches, double FetchesPerSecond, int Failed, IReadOnlyDictionary<string, FailureResult> Failures, long DnsRetransmissions,
    double ResolveP50Ms, double ResolveP99Ms, double FetchP50Ms, double FetchP99Ms, int Addresses, IReadOnlyDictionary<string, int> Servers, LoadResult? Load);

/// <param name="First">What was said of the first.</param>
internal sealed record FailureResult(int Count, string First);

/// <summary>How even the addresses of a prefix were used.</summary>
/// <param name="Outside">Fetches from other addresses.</param>
/// <param name="ChiSquared">Against equal shares; null, as what follows: too few fetches or a single address.</param>
/// <param name="AddressesTogether">So many neighbours were counted as one, that at least five fetches be expected of each.</param>
/// <param name="P">How likely chance strays as far.</param>
/// <param name="MaxToMean">The load of the address that has most, against the mean of all.</param>
internal sealed record LoadResult(string Prefix, int Outside, double? ChiSquared, int? DegreesOfFreedom, int? AddressesTogether, double? P, double MaxToMean);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(FetchResult))]
[JsonSerializable(typeof(UdpResult))]
[JsonSerializable(typeof(HoldResult))]
[JsonSerializable(typeof(Gap))]
[JsonSerializable(typeof(Holding))]
[JsonSerializable(typeof(Seen))]
[JsonSerializable(typeof(Listening))]
[JsonSerializable(typeof(PhaseResult))]
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
