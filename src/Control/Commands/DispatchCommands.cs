using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Commands;

/// <summary>The commands about what comes in and whose sockets take it.</summary>
internal static class DispatchCommands
{
    private static readonly Argument Label = new("label", ArgumentKind.Label, "LABEL", "Name that bindings and sockets meet under");

    public static ImmutableArray<CommandSyntax> All { get; } =
    [
        new([new Word("bind", "Hand what comes in on a prefix and port to a label's sockets"), .. Bound()], [],
            "Hand what comes in on a prefix and port to a label's sockets", a => new Bind(BindingOf(a))),
        new([new Word("unbind", "Undo bind"), .. Bound()], [], "Undo bind", a => new Unbind(BindingOf(a))),
        new(
            [new Word("register", "Give a label sockets, those that come with the line"), Label],
            [
                new Option([new Word("replace", "In place of all others; default beside them")]),
                new Option([new Word("exact", "Each alone, not the SO_REUSEPORT group that it is in")]),
            ],
            "Give a label sockets, those that come with the line (SCM_RIGHTS)",
            a => new Register(a.Get<Label>("label"), a.Has("replace"), a.Has("exact"))),
        new(
            [new Word("unregister", "Take sockets away from a label"), Label],
            [
                new Option(
                [
                    new Word("cookie", "One socket alone"),
                    new Argument("cookie", ArgumentKind.Number, "COOKIE", "Its number in show dispatch, and in ss -e") { Range = (1, long.MaxValue) },
                ]),
            ],
            "Take sockets away from a label; they stay open, and so do their connections",
            a => new Unregister(a.Get<Label>("label"), (ulong?)a.GetOrNull<long>("cookie"))),
    ];

    public static IEnumerable<CommandSyntax> Shows(Word show)
    {
        const string bindings = "What is bound to which label; hits, misses, errors of each";
        yield return new CommandSyntax(
            [show, new Word("bindings", bindings)], [new Option([new Word("label", "Only of one label"), Label])], bindings,
            a => new ShowBindings(a.Get<Label?>("label", null)));
        const string dispatch = "Whether dispatch runs; its prefixes, labels and sockets";
        yield return new CommandSyntax([show, new Word("dispatch", dispatch)], [], dispatch, _ => new ShowDispatch());
    }

    private static ImmutableArray<Element> Bound() =>
    [
        Label,
        new Choice("protocol", [new("tcp", "TCP connections"), new("udp", "UDP packets")]),
        new Argument("prefix", ArgumentKind.Prefix, "PREFIX", "Prefix of a configured pool, or a part of it"),
        new Argument("ports", ArgumentKind.Ports, "PORTS", "A port, a range like 8000-8100, or any"),
    ];

    private static Binding BindingOf(Arguments a) => new(
        a.Get<Label>("label"),
        a.Get<string>("protocol") == "udp" ? DispatchProtocol.Udp : DispatchProtocol.Tcp,
        a.Get<IpPrefix>("prefix"),
        a.Get<PortRange>("ports"));
}
