using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Commands;

/// <summary>What names resolve to here, by policy.</summary>
public sealed record ShowNaming : ControlCommand;

/// <summary>What a query for addresses would be answered with, and why.</summary>
/// <param name="Name">As it was given.</param>
/// <param name="Type">A or AAAA.</param>
public sealed record TraceQuery(string Name, AddressTypes Type) : ControlCommand;

/// <summary>Moves and drains in force, and whether the old addresses are free.</summary>
public sealed record ShowAgility : ControlCommand;

/// <summary>Let a policy answer from another pool than naming.yaml says.</summary>
public sealed record AgilityMove(string Policy, string Pool) : ControlCommand
{
    public override AccessLevel Needs => AccessLevel.Full;
}

/// <summary>Undo <see cref="AgilityMove"/>.</summary>
public sealed record AgilityEnd(string Policy) : ControlCommand
{
    public override AccessLevel Needs => AccessLevel.Full;
}

/// <summary>Answer nothing of a pool; or, undone, answer it again.</summary>
/// <param name="Undo">True for <c>agility undrain</c>.</param>
public sealed record AgilityDrain(string Pool, bool Undo) : ControlCommand
{
    public override AccessLevel Needs => AccessLevel.Full;
}

/// <summary>The commands about names, as data; part of <see cref="CommandTable"/>.</summary>
internal static class NamingCommands
{
    private static readonly Word Show = new("show", "Tell what is");
    private static readonly Word Agility = new("agility", "Move names to other addresses");

    public static ImmutableArray<CommandSyntax> Nouns { get; } =
    [
        new([Show, new Word("naming", "What names resolve to: policies, pools, DNS servers")], [], "What names resolve to: policies, pools, DNS servers",
            _ => new ShowNaming()),
        new([Show, new Word("agility", "Moves and drains in force, and whether the old addresses are free")], [],
            "Moves and drains in force, and whether the old addresses are free", _ => new ShowAgility()),
        new(
            [
                new Word("trace", "Tell what would happen"),
                new Word("query", "What a query for addresses would be answered with"),
                new Argument("name", ArgumentKind.DomainName, "NAME", "Domain name"),
            ],
            [new Option([new Choice("type", [new("a", "IPv4 addresses; the default"), new("aaaa", "IPv6 addresses")])])],
            "What a query for addresses would be answered with here, and why",
            a => new TraceQuery(a.Get<string>("name"), a.Get("type", "a") == "aaaa" ? AddressTypes.Aaaa : AddressTypes.A)),
    ];

    public static ImmutableArray<CommandSyntax> Verbs { get; } =
    [
        new(
            [Agility, new Word("move", "Let a policy answer from another pool"), Policy(), new Word("to", "Where its answers come from"), Pool()],
            [],
            "Let a policy answer from another pool than naming.yaml says",
            a => new AgilityMove(a.Get<string>("policy"), a.Get<string>("pool"))),
        new([Agility, new Word("end", "Take a move back"), Policy()], [], "Let a policy answer from the pools again that naming.yaml says",
            a => new AgilityEnd(a.Get<string>("policy"))),
        new([Agility, new Word("drain", "Answer nothing of a pool"), Pool()], [], "Answer nothing of a pool",
            a => new AgilityDrain(a.Get<string>("pool"), false)),
        new([Agility, new Word("undrain", "Answer a pool again"), Pool()], [], "Answer a pool again",
            a => new AgilityDrain(a.Get<string>("pool"), true)),
    ];

    /// <summary>What softunicastc does by itself.</summary>
    public static CommandSyntax Local { get; } = new(
        [new Word("naming", "Print what DNS servers are configured with (offline)")], [new Option([new Argument("rest", ArgumentKind.Rest, "...", "Words")])],
        "Print what dnsdist or PowerDNS is configured with; offline", _ => new LocalCommand("naming")) { Local = true };

    private static Argument Policy() => new("policy", ArgumentKind.PolicyName, "POLICY", "Policy's name");

    private static Argument Pool() => new("pool", ArgumentKind.NamingPoolName, "POOL", "Name of a pool of naming.yaml");
}
