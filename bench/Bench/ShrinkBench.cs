using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using SoftUnicast.Model;
using SoftUnicast.Naming;
using SoftUnicast.Traffic;

namespace SoftUnicast.Bench;

/// <summary>
/// 100,000 names of one service, asked for by Zipf's law without pause, while what they resolve to changes: static records first, then
/// by policy any address of a /20, of a /24, and one address. Nothing is restarted and nothing bound anew in between.
/// </summary>
internal static class ShrinkBench
{
    private const int Seconds = 15; // a phase
    private const int ShortSeconds = 1;
    private const int SettleSeconds = 2; // fetches that began before a change end
    private const int ShortSettleSeconds = 1;
    private const string Suffix = "cdn.example.com";
    private static readonly (string Name, IpPrefix Prefix)[] Pools =
    [
        ("/20", ShrinkFleet.Service), ("/24", IpPrefix.Parse("198.18.5.0/24")), ("one address", IpPrefix.Parse("198.18.5.1/32")),
    ];

    /// <exception cref="IOException">A program is missing, or something does not come up.</exception>
    public static IAgilityPart Run(bool isShort)
    {
        NamingPlace.RequirePrograms();
        var (phase, settling) = (TimeSpan.FromSeconds(isShort ? ShortSeconds : Seconds), TimeSpan.FromSeconds(isShort ? ShortSettleSeconds : SettleSeconds));
        using var fleet = new ShrinkFleet(Table([]));
        var clients = fleet.StartClients($"a{{n}}.{Suffix}");
        List<PhaseResult> results =
        [
            Through(clients, "warm-up", settling, null),
            Through(clients, "static", phase, ShrinkFleet.Service),
        ];
        foreach (var (name, prefix) in Pools)
        {
            fleet.Answer(Table([prefix]));
            results.Add(Through(clients, "to-" + name, settling, null));
            results.Add(Through(clients, name, phase, prefix));
        }

        clients.EndInput();
        results.Add(Read(clients.NextLine()));
        return new ShrinkReport(results);
    }

    private static PhaseResult Through(PlacedProgram clients, string name, TimeSpan time, IpPrefix? prefix)
    {
        clients.RunFor(time);
        clients.Tell($"mark {name.Replace(' ', '-')} {prefix}".TrimEnd());
        return Read(clients.NextLine()) with { Phase = name };
    }

    private static PhaseResult Read(string line) => JsonSerializer.Deserialize(line, ResultJson.Default.PhaseResult)!;

    // No prefix: no policy, and what the zone holds is answered.
    private static NamingTable Table(ImmutableArray<IpPrefix> prefixes) => NamingTable.Build(
        prefixes.IsEmpty ? new NamingRules([], [], []) : new NamingRules(
            [new NamingPool("service", prefixes)],
            [],
            [
                new NamingPolicy(
                    "all", new NamingMatch([Suffix], [], [], AddressTypes.A, [], ImmutableSortedDictionary<string, ImmutableArray<string>>.Empty),
                    [new WeightedPool("service", 1)], NamingStrategy.Random, 30, null, true),
            ]),
        new NamingState("ams"));
}
