using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace SoftUnicast.Daemon.Naming;

/// <summary>A policy that operators moved to another pool.</summary>
/// <param name="Old">Pools that it answered from before, also by an earlier move; without <paramref name="To"/>.</param>
/// <param name="TtlSeconds">The longest TTL of what it answered with before.</param>
internal sealed record PolicyMove(string Policy, string To, ImmutableArray<string> Old, DateTimeOffset Since, int TtlSeconds);

/// <summary>A pool that operators drained.</summary>
internal sealed record PoolDrain(string Pool, DateTimeOffset Since);

/// <summary>What operators moved and drained: all of it outlives the daemon.</summary>
/// <param name="Moves">By policy, each once; ascending.</param>
/// <param name="Drains">By pool, each once; ascending.</param>
internal sealed record AgilityState(ImmutableArray<PolicyMove> Moves, ImmutableArray<PoolDrain> Drains)
{
    public static AgilityState None { get; } = new([], []);

    public PolicyMove? MoveOf(string policy) => Moves.FirstOrDefault(m => m.Policy == policy);

    public PoolDrain? DrainOf(string pool) => Drains.FirstOrDefault(d => d.Pool == pool);

    public AgilityState With(PolicyMove move) =>
        this with { Moves = [.. Moves.Where(m => m.Policy != move.Policy).Append(move).OrderBy(m => m.Policy, StringComparer.Ordinal)] };

    public AgilityState WithoutMove(string policy) => this with { Moves = [.. Moves.Where(m => m.Policy != policy)] };

    public AgilityState With(PoolDrain drain) =>
        this with { Drains = [.. Drains.Where(d => d.Pool != drain.Pool).Append(drain).OrderBy(d => d.Pool, StringComparer.Ordinal)] };

    public AgilityState WithoutDrain(string pool) => this with { Drains = [.. Drains.Where(d => d.Pool != pool)] };

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(
        new AgilityDocument(AgilityDocument.Current, Moves, Drains), AgilityJson.Default.AgilityDocument);

    /// <exception cref="InvalidDataException">It is not what <see cref="ToJson"/> makes; the message says where.</exception>
    public static AgilityState FromJson(ReadOnlySpan<byte> json)
    {
        AgilityDocument? read;
        try
        {
            read = JsonSerializer.Deserialize(json, AgilityJson.Default.AgilityDocument);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"line {(e.LineNumber ?? 0) + 1}: {e.Message}");
        }

        if (read is not { Version: AgilityDocument.Current })
        {
            throw new InvalidDataException(read is null ? "it is empty" : $"it is of version {read.Version}, and this is {AgilityDocument.Current}");
        }

        if (read.Moves.IsDefault || read.Drains.IsDefault
            || read.Moves.Any(m => m is null || string.IsNullOrEmpty(m.Policy) || string.IsNullOrEmpty(m.To) || m.Old.IsDefault || m.Old.Any(string.IsNullOrEmpty) || m.TtlSeconds < 0)
            || read.Drains.Any(d => d is null || string.IsNullOrEmpty(d.Pool)))
        {
            throw new InvalidDataException("a move or a drain is not whole");
        }

        if (read.Moves.DistinctBy(m => m.Policy).Count() != read.Moves.Length || read.Drains.DistinctBy(d => d.Pool).Count() != read.Drains.Length)
        {
            throw new InvalidDataException("a policy or a pool stands in it twice");
        }

        return new AgilityState(read.Moves, read.Drains);
    }
}

/// <summary>The file: <see cref="AgilityState"/> and the number of its form.</summary>
internal sealed record AgilityDocument(int Version, ImmutableArray<PolicyMove> Moves, ImmutableArray<PoolDrain> Drains)
{
    public const int Current = 1;
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(AgilityDocument))]
internal sealed partial class AgilityJson : JsonSerializerContext;
