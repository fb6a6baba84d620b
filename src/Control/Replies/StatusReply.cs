using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace SoftUnicast.Control.Replies;

/// <summary>How the daemon is.</summary>
public enum Health
{
    Starting = 0,
    Up = 1,

    /// <summary>Packets flow, something is wrong: the problems say what.</summary>
    Degraded = 2,
    GoingDown = 3,
}

/// <summary>Something that is not as it should be.</summary>
/// <param name="What">Names the place.</param>
/// <param name="Next">The operator's next step, or null.</param>
public sealed record Problem(string What, string? Next);

/// <summary>The XDP program and its interfaces.</summary>
/// <param name="Attached">Interfaces that it is attached to, by the kernel's word.</param>
/// <param name="NotAttached">Configured interfaces that it is not attached to.</param>
/// <param name="Adopted">True if the daemon found the program running when it started.</param>
public sealed record PacketPathStatus(ImmutableArray<string> Attached, ImmutableArray<string> NotAttached, string Pins, bool Adopted);

/// <summary>The steering table, as it lies in the kernel.</summary>
/// <param name="Generation">Counts completed writes.</param>
/// <param name="LastWriteTook">How long the last one took.</param>
/// <param name="LastWriteEntries">How many entries the last one changed.</param>
/// <param name="SlicesHere">Slices that the table gives to this server.</param>
/// <param name="SlicesElsewhere">Slots that it gives to a tunnel endpoint.</param>
public sealed record TableStatus(
    ulong Generation,
    DateTimeOffset? LastWrite,
    [property: JsonPropertyName("last_write_seconds"), JsonConverter(typeof(SecondsConverter))] TimeSpan LastWriteTook,
    int LastWriteEntries,
    int Prefixes,
    int SlicesHere,
    int SlicesElsewhere,
    int Endpoints,
    int EndpointsUnresolved);

/// <summary>The files that the daemon runs by.</summary>
public sealed record ConfigurationStatus(
    string File,
    string FleetFile,
    int Datacenters,
    int Servers,
    int Pools,
    string AssignmentFile,
    long AssignmentGeneration,
    DateTimeOffset Loaded);

/// <param name="Synchronised">True once what is learned is complete since gobgpd was last reached.</param>
public sealed record BgpSummary(
    GobgpdState Gobgpd,
    bool Synchronised,
    int SessionsEstablished,
    int SessionsConfigured,
    int PrefixesAnnounced,
    int PrefixesHeld,
    int SlicesLearned,
    int BlocksLearned,
    long RoutesRejected);

/// <summary>Packets since the counters were made, by verdict.</summary>
public sealed record PacketTotals(ulong Passed, ulong Steered, ulong Decapsulated, ulong CarriedOn, ulong Answered, ulong Dropped);

/// <summary>Whether slices are handed out to programs of this server.</summary>
/// <param name="Because">Why they are not; null if they are.</param>
/// <param name="Slices">Slices of this server.</param>
/// <param name="Used">Of them, those that somebody has.</param>
public sealed record EgressStatus(bool HandsOut, string? Because, int Slices, int Used, int Draining, int Quarantined);

/// <summary>What comes in on whole prefixes.</summary>
/// <param name="Sockets">Live ones, of all labels.</param>
/// <param name="Announced">Of the prefixes.</param>
public sealed record DispatchStatus(int Bindings, int Sockets, int Prefixes, int Announced);

/// <summary>Names that are answered by policy.</summary>
/// <param name="Moved">Policies that answer from another pool than naming.yaml says.</param>
/// <param name="Drained">Pools, by command.</param>
public sealed record NamingStatus(int Policies, int Moved, int Drained);

/// <summary><c>show status</c>.</summary>
public sealed record StatusReply(
    string Version,
    string Server,
    string Datacenter,
    Health Health,
    ImmutableArray<Problem> Problems,
    DateTimeOffset Started,
    [property: JsonPropertyName("uptime_seconds"), JsonConverter(typeof(SecondsConverter))] TimeSpan Uptime,
    ConfigurationStatus Configuration,
    PacketPathStatus PacketPath,
    TableStatus Table,
    BgpSummary Bgp,
    PacketTotals Packets) : ControlReply
{
    /// <summary>Null: not known yet.</summary>
    public EgressStatus? Egress { get; init; }

    /// <summary>Null: nothing is dispatched.</summary>
    public DispatchStatus? Dispatch { get; init; }

    /// <summary>Null: no name is answered here.</summary>
    public NamingStatus? Naming { get; init; }

    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Status;

    public override IEnumerable<string> Lines()
    {
        yield return $"SoftUnicast {Version} on {Server} in {Datacenter}: {Units.Name(Health)} for {Units.Duration(Uptime)}, since {Units.Time(Started)}";
        foreach (var problem in Problems)
        {
            yield return $"  ! {problem.What}{(problem.Next is null ? "" : $"; {problem.Next}")}";
        }

        var configuration = Configuration;
        yield return $"configuration  {configuration.File}, loaded {Units.Time(configuration.Loaded)}";
        yield return $"fleet          {configuration.FleetFile}: {Units.Of(configuration.Datacenters, "datacenter")}, {Units.Of(configuration.Servers, "server")}, {Units.Of(configuration.Pools, "pool")}";
        yield return $"assignment     {configuration.AssignmentFile}: generation {configuration.AssignmentGeneration}";
        yield return $"packet path    {PacketPathText()}";
        yield return $"table          generation {Table.Generation}: {Units.Of(Table.Prefixes, "prefix")}, {Units.Of(Table.SlicesHere, "slice")} here, "
            + $"{Table.SlicesElsewhere} elsewhere, {Units.Of(Table.Endpoints, "endpoint")}"
            + (Table.EndpointsUnresolved == 0 ? "" : $" ({Table.EndpointsUnresolved} unresolved)");
        yield return Table.LastWrite is { } write
            ? $"last write     {Units.Time(write)}: {(Table.LastWriteEntries == 1 ? "1 entry" : $"{Table.LastWriteEntries} entries")} in {Units.Duration(Table.LastWriteTook)}"
            : "last write     none since the start";
        yield return $"bgp            gobgpd {Units.Name(Bgp.Gobgpd)}, {Bgp.SessionsEstablished} of {Bgp.SessionsConfigured} sessions, "
            + (Bgp.Synchronised ? "synchronised" : "not synchronised");
        yield return $"announced      {Units.Of(Bgp.PrefixesAnnounced, "prefix")}, {Bgp.PrefixesHeld} held back";
        yield return $"learned        {Units.Of(Bgp.SlicesLearned, "slice")}, {Units.Of(Bgp.BlocksLearned, "block")}, {Units.Of(Bgp.RoutesRejected, "route")} rejected";
        if (Egress is { } egress)
        {
            yield return $"egress         {(egress.HandsOut ? "hands out" : $"! hands out nothing, {egress.Because};")} {Units.Of(egress.Slices, "slice")}, "
                + $"{egress.Used} used, {egress.Draining} draining, {egress.Quarantined} in quarantine";
        }

        if (Dispatch is { } dispatch)
        {
            yield return $"dispatch       {Units.Of(dispatch.Bindings, "binding")}, {(dispatch.Sockets == 0 && dispatch.Bindings > 0 ? "! " : "")}{Units.Of(dispatch.Sockets, "socket")}, "
                + $"{dispatch.Announced} of {Units.Of(dispatch.Prefixes, "prefix")} announced";
        }

        if (Naming is { } naming)
        {
            yield return $"names          {(naming.Policies == 1 ? "1 policy" : $"{naming.Policies} policies")}, {naming.Moved} moved, {Units.Of(naming.Drained, "pool")} drained";
        }

        yield return $"packets        {Packets.Steered} steered, {Packets.Decapsulated} decapsulated, {Packets.CarriedOn} carried on, "
            + $"{Packets.Answered} answered, {Packets.Dropped} dropped, {Packets.Passed} passed";
    }

    private string PacketPathText()
    {
        var attached = PacketPath.Attached.Length == 0 ? "attached nowhere" : $"attached to {string.Join(", ", PacketPath.Attached)}";
        var missing = PacketPath.NotAttached.Length == 0 ? "" : $", not to {string.Join(", ", PacketPath.NotAttached)}";
        return $"{attached}{missing}; pins in {PacketPath.Pins}{(PacketPath.Adopted ? ", adopted" : "")}";
    }
}
