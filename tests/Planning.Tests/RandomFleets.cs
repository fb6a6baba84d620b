using SoftUnicast.Model;

namespace SoftUnicast.Planning.Tests;

/// <summary>A fleet that changes step by step, by a seed. What fails prints the seed: new RandomFleets(SEED) makes it again.</summary>
internal sealed class RandomFleets
{
    private static readonly string[] Names = ["ams", "fra", "nyc", "sin", "waw"];
    private readonly Random random;
    private readonly int maxServers;
    private readonly int maxDatacenters;
    private int counter;

    public RandomFleets(int seed, int maxDatacenters, int maxServers, int maxAddresses, int[] sliceSizes, int maxPerServer = 2)
    {
        random = new Random(seed);
        this.maxServers = maxServers;
        this.maxDatacenters = maxDatacenters;
        var sliceSize = sliceSizes[random.Next(sliceSizes.Length)];
        var perAddress = 65536 / sliceSize;
        var reserved = random.Next(3) == 0 ? [] : perAddress > 2 && random.Next(3) == 0 ? new[] { 0, 1 + random.Next(perAddress - 1) } : [0];
        var weights = Names.Take(maxDatacenters).Where(_ => random.Next(5) > 0).Select(n => (n, 1 + random.Next(4))).ToArray();
        var pool = Fleets.Pool(
            addresses: 1 + random.Next(maxAddresses),
            sliceSize: sliceSize,
            reserved: reserved,
            perServer: 1 + random.Next(maxPerServer),
            weights: weights.Length == 0 ? [("ams", 1)] : weights);
        Fleet = Fleets.Of([pool], []);
        for (var i = random.Next(maxServers); i > 0; i--)
        {
            Add();
        }
    }

    public Fleet Fleet { get; private set; }

    public EgressPool Pool => Fleet.Pools[0];

    public DateTimeOffset Now { get; private set; } = Fleets.Now;

    /// <summary>Servers come and go, and time passes: none, half a quarantine or more than one.</summary>
    public void Step(bool changePool = false)
    {
        Now += Fleets.Quarantine * (random.Next(4) * 0.5);
        for (var i = random.Next(3); i > 0 && Fleet.Servers.Count > 0; i--)
        {
            Fleet = Fleet.Without(Pick());
        }

        for (var i = random.Next(4); i > 0 && Fleet.Servers.Count < maxServers; i--)
        {
            Add();
        }

        if (changePool)
        {
            ChangePool();
        }
    }

    public string Pick()
    {
        var names = Fleet.Servers.Keys.Order(StringComparer.Ordinal).ToArray();
        return names[random.Next(names.Length)];
    }

    /// <summary>One server more, sometimes one that was there before.</summary>
    public string Add()
    {
        var datacenter = Names[random.Next(maxDatacenters)];
        var number = counter > 0 && random.Next(4) == 0 ? 1 + random.Next(counter) : ++counter;
        var name = $"s-{number}";
        if (!Fleet.Servers.ContainsKey(name))
        {
            Fleet = Fleet.With(datacenter, name);
        }

        return name;
    }

    private void ChangePool()
    {
        var pool = Pool;
        Fleet = Fleet.WithPools(random.Next(7) switch
        {
            0 => pool with { SlicesPerServer = 1 + random.Next(3) },
            1 => pool with { LastAddress = pool.FirstAddress.Add((UInt128)random.Next(6)) },
            2 => pool with { Weights = pool.Weights.SetItem(Names[random.Next(maxDatacenters)], 1 + random.Next(9)) },
            3 when pool.Weights.Count > 1 => pool with { Weights = pool.Weights.Remove(pool.Weights.Keys.ElementAt(random.Next(pool.Weights.Count))) },
            4 => pool with { ReservedSlices = [random.Next(pool.SliceSize.SlicesPerAddress)] },
            5 when pool.SliceSize.Shift > 9 => pool with { SliceSize = SliceSize.Create(pool.SliceSize.PortCount / 2) },
            6 when pool.SliceSize.Shift < 14 && pool.ReservedSlices.All(r => r < 2) => pool with { SliceSize = SliceSize.Create(pool.SliceSize.PortCount * 2), ReservedSlices = [0] },
            _ => pool,
        });
    }
}
