using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using SoftUnicast.Model;
using SoftUnicast.Naming;

namespace SoftUnicast.Bench;

/// <summary>What policies for twenty million names take.</summary>
internal static class NamingMemory
{
    private const int Names = 20_000_000;
    private const int Customers = 20_000;
    private const int Port = 5303;
    private const int ShortStep = 100;

    /// <summary>
    /// Twenty million names of twenty thousand customers, each of whom has a range of account numbers and one of four plans, in
    /// four pools: built, every name asked for once, and what is held then; and what dnsdist grows by when it reads the same.
    /// </summary>
    /// <param name="isShort">Every hundredth name is asked for: what is held does not depend on it.</param>
    public static double MebibytesOfTwentyMillionNames(NamingPlace place, bool isShort)
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var table = NamingTable.Build(Rules(), new NamingState("ams"));
        var step = isShort ? ShortStep : 1;
        var answered = Ask(table, step);
        var here = GC.GetTotalMemory(forceFullCollection: true) - before;
        GC.KeepAlive(table);
        if (answered != Names / step)
        {
            throw new IOException($"{answered} of {Names / step} names were answered");
        }

        var without = DnsdistBytes(place, NamingTable.Build(new NamingRules([], [], []), new NamingState("ams")), "bare");
        var with = DnsdistBytes(place, table, "full");
        return Math.Max(here, with - without) / 1048576.0;
    }

    private static NamingRules Rules()
    {
        string[] plans = ["free", "pro", "business", "enterprise"];
        const int each = Names / Customers;
        var rows = Enumerable.Range(0, Customers).Select(c => new AttributeRow(
            null, (ulong)(c * each), (ulong)((c * each) + each - 1),
            ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, [KeyValuePair.Create("plan", plans[c % 4])])));
        var attribute = new AttributeRule(
            "accounts", [new PatternLabel("account", "a", "", false)], "example.com", "account", [.. rows]);
        var pools = plans.Select((plan, i) => new NamingPool(plan, [IpPrefix.Parse(string.Create(CultureInfo.InvariantCulture, $"198.18.{i * 16}.0/20"))]));
        var policies = plans.Select((plan, i) => new NamingPolicy(
            plan,
            new NamingMatch(["example.com"], [], [], AddressTypes.A, [], ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, [KeyValuePair.Create("plan", ImmutableArray.Create(plan))])),
            [new WeightedPool(plan, 1)], i % 2 == 0 ? NamingStrategy.Random : NamingStrategy.Hash, 30, null, true));
        return new NamingRules(pools, [attribute], policies);
    }

    private static int Ask(NamingTable table, int step)
    {
        var random = new Random(1);
        var answered = 0;
        for (var i = 0; i < Names; i += step)
        {
            var name = DnsName.Parse(string.Create(CultureInfo.InvariantCulture, $"a{i}.example.com"));
            answered += table.Answer(name, AddressTypes.A, random).Kind == AnswerKind.Address ? 1 : 0;
        }

        return answered;
    }

    private static long DnsdistBytes(NamingPlace place, NamingTable table, string file)
    {
        var dnsdist = place.StartDnsdist(table, Port, 5301, file);
        place.AwaitAnswer(Port);
        var line = File.ReadLines($"/proc/{dnsdist.Id}/status").Single(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        dnsdist.Kill();
        return long.Parse(line.AsSpan(6).Trim().TrimEnd(" kB"), CultureInfo.InvariantCulture) * 1024;
    }
}
