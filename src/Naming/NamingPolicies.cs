using SoftUnicast.Model;

namespace SoftUnicast.Naming;

/// <summary>A query for addresses.</summary>
/// <param name="Type">A or AAAA.</param>
public readonly record struct NamingQuery(DnsName Name, AddressTypes Type);

/// <summary>The rules of the naming file, asked directly. Whoever asks often keeps a <see cref="NamingTable"/>.</summary>
public sealed class NamingPolicies(NamingRules rules)
{
    private NamingTable? last;

    public NamingRules Rules => rules;

    /// <summary>The answer to a query in a state; draws from <paramref name="random"/> if the policy's strategy does.</summary>
    public NamingAnswer Answer(NamingQuery query, NamingState state, Random random) => Table(state).Answer(query.Name, query.Type, random);

    /// <summary>The rules in a state; the same object for the same state.</summary>
    public NamingTable Table(NamingState state)
    {
        var table = last;
        if (table is null || !ReferenceEquals(table.State, state))
        {
            last = table = NamingTable.Build(rules, state);
        }

        return table;
    }
}
