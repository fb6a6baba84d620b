using System.Collections.Immutable;
using SoftUnicast.BgpSpeaker;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.State;
using SoftUnicast.Model;
using SoftUnicast.Tunnels;

namespace SoftUnicast.Daemon;

/// <summary>Says what is not as it should be, and the next step.</summary>
internal static class ProblemReports
{
    private const int Named = 3;

    public static void Add(
        ImmutableArray<Problem>.Builder problems,
        SpeakerStatus bgp,
        LearnedTable learned,
        int held,
        Ownership ownership,
        IReadOnlyDictionary<IpAddress, NextHopEntry> nextHops,
        Fleet fleet,
        Announcing announcing)
    {
        if (bgp.Gobgp is not GobgpState.Running)
        {
            problems.Add(new Problem($"gobgpd is {bgp.Gobgp.ToString().ToLowerInvariant()}{(bgp.Problem is { } why ? $": {why}" : "")}; packets go on by what is known", bgp.NextStep));
        }

        foreach (var session in bgp.Sessions.Where(s => s.State != SessionState.Established))
        {
            problems.Add(new Problem(
                $"BGP session with {session.Address} ({string.Join(", ", session.Scopes).ToLowerInvariant()}) is {session.State.ToString().ToLowerInvariant()}",
                session.Problem));
        }

        var kept = held + learned.HeldCount;
        if (kept > 0)
        {
            problems.Add(new Problem($"{kept} routes are kept from before, until BGP says anew who owns what", null));
        }

        Grouped(problems, "owned twice", [.. ownership.Conflicts.Select(c => $"{c.Ports}: {c.Winner} wins over {c.Loser} ({c.Reason})")],
            "roll the same assignment out to every server");
        Grouped(problems, "no way to", [.. nextHops.Values.Where(n => n.State == NextHopState.Failed).OrderBy(n => n.Endpoint)
            .Select(n => $"{NameOf(fleet, n.Endpoint)} {n.Endpoint}: {n.Reason}")], "see show tunnels and show host");
        foreach (var reason in announcing.Prefixes.Where(p => !p.Decision.Open && !p.Prefix.IsIPv6).GroupBy(p => p.Decision.Reason))
        {
            problems.Add(new Problem($"{reason.Count()} prefixes are held back: {reason.Key}", null));
        }
    }

    private static void Grouped(ImmutableArray<Problem>.Builder problems, string what, ImmutableArray<string> items, string next)
    {
        if (!items.IsEmpty)
        {
            var more = items.Length > Named ? $" and {items.Length - Named} more" : "";
            problems.Add(new Problem($"{what} {string.Join("; ", items.Take(Named))}{more}", next));
        }
    }

    private static string NameOf(Fleet fleet, IpAddress endpoint) => fleet.ServersByEndpoint.TryGetValue(endpoint, out var server)
        ? server.Name
        : fleet.DatacentersByEndpoint.GetValueOrDefault(endpoint)?.Name ?? "an endpoint that the fleet file does not name";
}
