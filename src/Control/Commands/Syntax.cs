using System.Collections.Immutable;

namespace SoftUnicast.Control.Commands;

/// <summary>What a word of a command line can be.</summary>
public enum ArgumentKind
{
    PoolName,
    ServerName,
    InterfaceName,
    Address,
    AddressPort,
    AddressOptionalPort,
    Number,
    Hex,
    Rest,

    /// <summary><c>KEY=VALUE</c>; more may follow.</summary>
    Tags,

    /// <summary>A name that the daemon gave: of a lease, of a hold on a port.</summary>
    Id,

    /// <summary>A path in the cgroup tree, from its root: <c>/system.slice/proxy.service</c>.</summary>
    CgroupPath,

    /// <summary>The name that bindings and sockets meet under.</summary>
    Label,

    /// <summary>A prefix, or an address for a prefix of that address alone.</summary>
    Prefix,

    /// <summary>A port, a range like <c>8000-8100</c>, or <c>any</c>.</summary>
    Ports,

    /// <summary>A moment: RFC 3339, UTC or with its offset.</summary>
    Time,

    /// <summary>A policy of naming.yaml.</summary>
    PolicyName,

    /// <summary>A pool of naming.yaml; those of the fleet are others.</summary>
    NamingPoolName,

    /// <summary>A name as a DNS query asks for it, with or without a dot at its end.</summary>
    DomainName,
}

/// <summary>One place in a command.</summary>
/// <param name="Help">What it says, in a few words, for <c>?</c>.</param>
internal abstract record Element(string Help);

/// <summary>A fixed word, which may be abbreviated.</summary>
internal sealed record Word(string Text, string Help) : Element(Help);

/// <summary>One of several fixed words, of which each may be abbreviated; the one chosen is an argument.</summary>
internal sealed record Choice(string Name, ImmutableArray<Word> Words) : Element("");

/// <summary>Something that the user supplies.</summary>
/// <param name="Placeholder">How help writes it, in capitals.</param>
internal sealed record Argument(string Name, ArgumentKind Kind, string Placeholder, string Help) : Element(Help)
{
    /// <summary>Smallest and largest value of a number.</summary>
    public (long Least, long Most) Range { get; init; }
}

/// <summary>Words that may stand once, in any order, behind the required ones.</summary>
internal sealed record Option(ImmutableArray<Element> Elements);

/// <summary>A command as data.</summary>
/// <param name="Required">Its words in order.</param>
/// <param name="Options">What may follow, each at most once.</param>
/// <param name="Help">What it does, one line.</param>
/// <param name="Build">Makes the command of its arguments; it tells them what does not fit together.</param>
internal sealed record CommandSyntax(
    ImmutableArray<Element> Required,
    ImmutableArray<Option> Options,
    string Help,
    Func<Arguments, ControlCommand> Build)
{
    /// <summary>True for what softunicastc does by itself.</summary>
    public bool Local { get; init; }

    /// <summary>The command as the manual writes it: <c>show slices [pool NAME] [server NAME]</c>.</summary>
    public string Usage => string.Join(' ', Required.Select(Write).Concat(Options.Select(o => $"[{string.Join(' ', o.Elements.Select(Write))}]")));

    private static string Write(Element element) => element switch
    {
        Word word => word.Text,
        Choice choice => string.Join('|', choice.Words.Select(w => w.Text)),
        Argument argument => argument.Placeholder,
        _ => throw new InvalidOperationException($"no text for {element}"),
    };
}
