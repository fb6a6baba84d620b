using SoftUnicast.BgpSpeaker.Wire;
using SoftUnicast.Model;
using Api = SoftUnicast.BgpSpeaker.Gobgp;

namespace SoftUnicast.BgpSpeaker;

/// <summary>An <see cref="ExportPolicy"/> in the daemon's words.</summary>
internal static class PolicyWriter
{
    private const int NeighbourSet = 1;
    private const int LargeCommunitySet = 6;
    private const int LocalRoute = 3;
    private const int Accept = 1;
    private const int Reject = 2;

    public static IReadOnlyList<int> SetTypes { get; } = [NeighbourSet, LargeCommunitySet];

    public static IEnumerable<Api.DefinedSet> Sets(ExportPolicy policy)
    {
        foreach (var rule in policy.Rules)
        {
            var neighbours = new Api.DefinedSet { DefinedType = NeighbourSet, Name = policy.NeighbourSetName(rule.Scope) };
            neighbours.List.AddRange(rule.Neighbours.Select(a => IpPrefix.Host(a).ToString()));
            yield return neighbours;
            var communities = new Api.DefinedSet { DefinedType = LargeCommunitySet, Name = policy.CommunitySetName(rule.Scope) };
            communities.List.Add(policy.Community(rule.Scope));
            yield return communities;
        }
    }

    public static Api.Policy Export(ExportPolicy policy)
    {
        var result = new Api.Policy { Name = policy.ExportName };
        result.Statements.AddRange(policy.Rules.Select(rule => new Api.Statement
        {
            Name = policy.StatementName(rule.Scope),
            Conditions = new Api.Conditions
            {
                NeighborSet = new Api.MatchSet { Name = policy.NeighbourSetName(rule.Scope) },
                LargeCommunitySet = new Api.MatchSet { Name = policy.CommunitySetName(rule.Scope) },
                RouteType = LocalRoute,
            },
            Actions = new Api.Actions { RouteAction = Accept },
        }));
        return result;
    }

    public static Api.Policy Import(ExportPolicy policy)
    {
        var flowSpec = new Api.Conditions();
        flowSpec.AfiSafiIn.AddRange(Family.FlowSpec.Select(GobgpClient.ToApi));
        var result = new Api.Policy { Name = policy.ImportName };
        result.Statements.Add(new Api.Statement
        {
            Name = policy.ImportStatementName("local"),
            Conditions = new Api.Conditions { RouteType = LocalRoute },
            Actions = new Api.Actions { RouteAction = Accept },
        });
        result.Statements.Add(new Api.Statement
        {
            Name = policy.ImportStatementName("flowspec"),
            Conditions = flowSpec,
            Actions = new Api.Actions { RouteAction = Accept },
        });
        return result;
    }

    /// <summary>The one global policy of a direction, or none; what it does not accept is rejected.</summary>
    public static Api.PolicyAssignment Assignment(int direction, string? name)
    {
        var assignment = new Api.PolicyAssignment { Name = "global", Direction = direction, DefaultAction = Reject };
        if (name is not null)
        {
            assignment.Policies.Add(new Api.Policy { Name = name });
        }

        return assignment;
    }
}
