using System.Diagnostics;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Model;
using SoftUnicast.Steering;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Bench;

/// <summary>How fast tables change: 2 million slices at once, and one.</summary>
internal static class TableBench
{
    private const int Prefixes = 256; // of 256 addresses with 32 slices: 2,097,152 slices
    private const int Rounds = 11;
    private const int Moves = 10_000;

    /// <returns>Both are medians.</returns>
    public static (double RewriteMilliseconds, double MoveMicroseconds) Run(SteeringMaps maps)
    {
        var one = SteerBench.Endpoint(IpAddress.Parse("10.3.1.1"), Rank.Backbone);
        var other = SteerBench.Endpoint(IpAddress.Parse("10.3.1.2"), Rank.Backbone);
        var writer = new SteeringWriter(maps);
        var tables = new[] { Table(one, other), Table(other, one) };
        Apply(writer, tables[0]);

        var rewrites = new List<double>();
        for (var round = 0; round < Rounds; round++)
        {
            var next = tables[(round + 1) % 2];
            var start = Stopwatch.GetTimestamp();
            Apply(writer, next);
            rewrites.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        var slice = AddressPorts.Parse("100.64.7.9:4096-6143");
        SliceOwner[] owners = [SliceOwner.At(one), SliceOwner.At(other)];
        var moves = new List<double>();
        for (var round = 0; round < Rounds; round++)
        {
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < Moves; i++)
            {
                writer.TryMove(slice, owners[i % 2]);
            }

            moves.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds / Moves);
        }

        return (rewrites.Order().ElementAt(Rounds / 2), moves.Order().ElementAt(Rounds / 2));
    }

    private static SteeringTable Table(SteeringEndpoint even, SteeringEndpoint odd)
    {
        var builder = new SteeringTableBuilder();
        for (var third = 0; third < Prefixes; third++)
        {
            var network = IpAddress.FromUInt32(0x64400000u + ((uint)third << 8)); // 100.64.0.0/16
            builder.AddPrefix(new IpPrefix(network, 24), SliceSize.Create(2048), EgressPolicies.None);
            for (uint host = 0; host < 256; host++)
            {
                for (var slice = 0; slice < 32; slice++)
                {
                    builder.SetOwner(IpAddress.FromUInt32(network.ToUInt32() + host), slice, SliceOwner.At((slice & 1) == 0 ? even : odd));
                }
            }
        }

        return builder.Build();
    }

    private static void Apply(SteeringWriter writer, SteeringTable table)
    {
        var report = writer.Apply(table);
        if (report.Refusal is { } refusal)
        {
            throw new IOException($"the table does not fit: {refusal}");
        }
    }
}
