namespace SoftUnicast.Lab.Tests;

/// <summary>What every server's packet path has counted, and what came between two such counts.</summary>
public sealed record Landing(IReadOnlyDictionary<string, IReadOnlyDictionary<int, long>> Packets)
{
    // Numbers of bpf/abi.h.
    public const int Delivered = 2;
    public const int Steered = 3;
    public const int Decapsulated = 4;
    public const int CarriedOn = 5;
    public const int EchoAnswered = 6;
    public const int Opens = 15;

    public static async Task<Landing> TakeAsync(LabFixture lab)
    {
        ArgumentNullException.ThrowIfNull(lab);
        var counts = new Dictionary<string, IReadOnlyDictionary<int, long>>();
        foreach (var server in LabFixture.Servers)
        {
            var reasons = (await lab.ShowAsync(server, "drops")).GetProperty("reasons");
            counts[server] = reasons.EnumerateArray().ToDictionary(
                row => row.GetProperty("number").GetInt32(), row => row.GetProperty("packets").GetInt64());
        }

        return new Landing(counts);
    }

    public Landing Since(Landing before)
    {
        ArgumentNullException.ThrowIfNull(before);
        return new Landing(Packets.ToDictionary(
            server => server.Key,
            server => (IReadOnlyDictionary<int, long>)server.Value.ToDictionary(row => row.Key, row => row.Value - before.Packets[server.Key][row.Key])));
    }

    public long Total(params int[] reasons) => Packets.Values.Sum(server => reasons.Sum(reason => server[reason]));

    /// <summary>Datacenters where packets to egress addresses came in from the Internet.</summary>
    public IReadOnlyList<string> Datacenters() =>
    [
        .. Packets.Where(server => server.Value[Delivered] + server.Value[Steered] > 0)
            .Select(server => server.Key.Split('-')[0])
            .Distinct()
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Tunnels that a packet passed until its owner had it, on average.</summary>
    public double Hops() => (double)Total(Steered, CarriedOn) / Total(Delivered, Steered);
}
