using System.Collections.Immutable;

namespace SoftUnicast.Control;

/// <summary>
/// What a reply line says about itself, four digits as in BIRD: 0xxx done, 1xxx data, 8xxx run-time error, 9xxx parse error.
/// Append-only: scripts compare them. Each stands in <see cref="ReplyCodes"/> and in docs/cli.md.
/// </summary>
public enum ReplyCode
{
    Done = 0,
    Ready = 1,
    GoingDown = 2,
    Goodbye = 3,

    Status = 1001,
    Bgp = 1002,
    Prefixes = 1003,
    Slices = 1004,
    SliceOwner = 1005,
    Tunnels = 1006,
    Drops = 1007,
    Host = 1008,
    Trace = 1009,
    DownStep = 1010,
    Enrolled = 1011,
    Left = 1012,
    Leased = 1013,
    Released = 1014,
    Hold = 1015,
    Drained = 1016,
    Who = 1017,
    Leases = 1018,
    Pools = 1019,
    HelpText = 1020,
    Completion = 1021,
    Guard = 1022,
    Bindings = 1023,
    Dispatch = 1024,
    Bound = 1025,
    Registered = 1026,

    Naming = 1040,
    Query = 1041,
    Agility = 1042,
    AgilityMoved = 1043,
    AgilityDrained = 1044,

    InternalError = 8000,
    AccessDenied = 8001,
    NotFound = 8002,
    NotReady = 8003,
    PacketPathUnreadable = 8004,
    TooManyClients = 8005,
    TimedOut = 8006,
    Stopping = 8007,
    DownFailed = 8008,
    NoSlice = 8009,
    LeaseUnknown = 8010,
    LeaseRevoked = 8011,
    NotHandingOut = 8012,
    UnknownTag = 8013,
    CgroupUnknown = 8014,
    NotYours = 8015,
    PortTaken = 8016,
    AttributionUnreadable = 8017,
    NotDispatching = 8018,
    BindingRefused = 8019,
    SocketRefused = 8020,
    MayNotRegister = 8021,

    NotNaming = 8030,
    PolicyUnknown = 8031,
    AgilityRefused = 8032,
    AgilityNotKept = 8033,

    TooLong = 9000,
    UnknownWord = 9001,
    Ambiguous = 9002,
    Incomplete = 9003,
    BadArgument = 9004,
    NotText = 9005,
    LocalOnly = 9006,
}

/// <summary>A reply code and its meaning.</summary>
/// <param name="ClosesConnection">True if the daemon hangs up after it.</param>
public sealed record ReplyCodeInfo(ReplyCode Code, string Meaning, bool ClosesConnection = false)
{
    public int Number => (int)Code;

    /// <summary>Exit status of a one-shot softunicastc that got it.</summary>
    public int ExitStatus => ReplyCodes.ExitStatusOf(Number);
}

/// <summary>The one place where reply codes have their meaning.</summary>
public static class ReplyCodes
{
    public static ImmutableArray<ReplyCodeInfo> All { get; } =
    [
        new(ReplyCode.Done, "End of the reply; what was asked for is in the lines before it."),
        new(ReplyCode.Ready, "Greeting: product and version."),
        new(ReplyCode.GoingDown, "`down` is done: nothing is announced any more, the packet path is off, the daemon ends.", true),
        new(ReplyCode.Goodbye, "Answer to `quit`.", true),
        new(ReplyCode.Status, "`show status`."),
        new(ReplyCode.Bgp, "`show bgp`."),
        new(ReplyCode.Prefixes, "`show prefixes`."),
        new(ReplyCode.Slices, "`show slices`."),
        new(ReplyCode.SliceOwner, "`show slice for`."),
        new(ReplyCode.Tunnels, "`show tunnels`."),
        new(ReplyCode.Drops, "`show drops`."),
        new(ReplyCode.Host, "`show host`."),
        new(ReplyCode.Trace, "`trace packet`."),
        new(ReplyCode.DownStep, "A step of `down`, sent as it happens."),
        new(ReplyCode.Enrolled, "`enroll`."),
        new(ReplyCode.Left, "`leave`."),
        new(ReplyCode.Leased, "`lease` and `renew`."),
        new(ReplyCode.Released, "`release`."),
        new(ReplyCode.Hold, "`hold` and `bound`."),
        new(ReplyCode.Drained, "`drain` and `undrain`."),
        new(ReplyCode.Who, "`who`."),
        new(ReplyCode.Leases, "`show leases`."),
        new(ReplyCode.Pools, "`show pools`."),
        new(ReplyCode.HelpText, "`help` and `?`."),
        new(ReplyCode.Completion, "`complete`: a candidate and its help, with a tab between them."),
        new(ReplyCode.Guard, "`show guard`."),
        new(ReplyCode.Bindings, "`show bindings`."),
        new(ReplyCode.Dispatch, "`show dispatch`."),
        new(ReplyCode.Bound, "`bind` and `unbind`."),
        new(ReplyCode.Registered, "`register` and `unregister`."),
        new(ReplyCode.Naming, "`show naming`."),
        new(ReplyCode.Query, "`trace query`."),
        new(ReplyCode.Agility, "`show agility`."),
        new(ReplyCode.AgilityMoved, "`agility move` and `agility end`."),
        new(ReplyCode.AgilityDrained, "`agility drain` and `agility undrain`."),
        new(ReplyCode.InternalError, "The daemon could not answer because of a fault of its own; its log has the details."),
        new(ReplyCode.AccessDenied, "The command changes something, and this is the read-only socket."),
        new(ReplyCode.NotFound, "No pool, server, interface or egress address of that name is known here."),
        new(ReplyCode.NotReady, "The daemon is starting, and cannot answer this yet."),
        new(ReplyCode.PacketPathUnreadable, "The kernel's tables could not be read; the text says which and why."),
        new(ReplyCode.TooManyClients, "As many clients as the daemon serves are connected.", true),
        new(ReplyCode.TimedOut, "No whole line came in time.", true),
        new(ReplyCode.Stopping, "The daemon is ending.", true),
        new(ReplyCode.DownFailed, "`down` could not be finished; the text says what is left and why."),
        new(ReplyCode.NoSlice, "This server has no slice for that: none of the pool, or none left that serves this way of choosing ports."),
        new(ReplyCode.LeaseUnknown, "No lease, cgroup or hold of that name is known, or it is over."),
        new(ReplyCode.LeaseRevoked, "The lease was taken back; the text says why. Close its sockets, and lease again."),
        new(ReplyCode.NotHandingOut, "No slices are handed out now; the text says why, and so does `show status`."),
        new(ReplyCode.UnknownTag, "No pool has these tags."),
        new(ReplyCode.CgroupUnknown, "There is no cgroup of that id."),
        new(ReplyCode.NotYours, "The lease or cgroup belongs to somebody else."),
        new(ReplyCode.PortTaken, "The port is being taken by somebody else, or the hold on it ran out: close the socket, if there is one, and ask again."),
        new(ReplyCode.AttributionUnreadable, "The attribution log could not be read; the text says where and why."),
        new(ReplyCode.NotDispatching, "Nothing is dispatched on this server; the text says why."),
        new(ReplyCode.BindingRefused, "The binding was not made or not undone; the text says why, and nothing is changed."),
        new(ReplyCode.SocketRefused, "The sockets were not taken; the text says why, and nothing is changed."),
        new(ReplyCode.MayNotRegister, "The configuration does not let this user register for the label."),
        new(ReplyCode.NotNaming, "No name is answered by policy on this server: its configuration has no section `naming`."),
        new(ReplyCode.PolicyUnknown, "naming.yaml has no policy or pool of that name, or no such move or drain is in force."),
        new(ReplyCode.AgilityRefused, "The pool cannot take the policy, or a policy would be left with nothing to answer; the text says which and why."),
        new(ReplyCode.AgilityNotKept, "What is moved and drained could not be written down, so nothing was changed; the text says why."),
        new(ReplyCode.TooLong, "The line is longer than 4,096 bytes.", true),
        new(ReplyCode.UnknownWord, "A word is not known in its place; a caret marks it."),
        new(ReplyCode.Ambiguous, "An abbreviation stands for several commands."),
        new(ReplyCode.Incomplete, "The command ends too early."),
        new(ReplyCode.BadArgument, "A word is not what the command wants there, or does not fit the rest."),
        new(ReplyCode.NotText, "The line is not UTF-8 text, or has control characters.", true),
        new(ReplyCode.LocalOnly, "The command is carried out by softunicastc itself, not by the daemon."),
    ];

    public static ReplyCodeInfo Of(ReplyCode code) => All.First(c => c.Code == code);

    /// <summary>0 for done and data, 4 for access denied and what is somebody else's, 1 for other run-time errors, 2 for parse errors.</summary>
    public static int ExitStatusOf(int number) => number switch
    {
        < 8000 => 0,
        (int)ReplyCode.AccessDenied or (int)ReplyCode.NotYours or (int)ReplyCode.MayNotRegister => 4,
        < 9000 => 1,
        _ => 2,
    };
}
