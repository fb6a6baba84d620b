using System.Collections.Immutable;
using System.Text.Json.Serialization;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Replies;

/// <summary>Somebody who has a slice.</summary>
/// <param name="Kind">cgroup, lease, nat.</param>
/// <param name="Id">Of the lease or cgroup; null for NAT.</param>
/// <param name="Use">exec, range, explicit, nat.</param>
/// <param name="ProcessId">Of a lease: the process that it ends with.</param>
public sealed record LeaseRow(
    AddressPorts Slice,
    string Pool,
    string Use,
    string Kind,
    string? Id,
    int? ProcessId,
    string? Command,
    uint? UserId,
    string? Cgroup,
    DateTimeOffset Since);

/// <summary>What became of the sockets of an enrolled cgroup, since it was enrolled, by the kernel's counters.</summary>
/// <param name="Tcp">TCP connections that got a port of a slice.</param>
/// <param name="Udp">UDP sockets that were connected from one.</param>
/// <param name="NextSlice">How often a slice was full for a destination and the next one was taken.</param>
/// <param name="Exhausted">Refused with EADDRNOTAVAIL: no slice had a port left for the destination.</param>
/// <param name="DatagramsRefused">Datagrams of unconnected sockets that were refused, for want of NAT.</param>
public sealed record ChoiceRow(string Cgroup, string? Path, ulong Tcp, ulong Udp, ulong NextSlice, ulong Exhausted, ulong DatagramsRefused);

/// <summary><c>show leases</c>: a row for each holder of each slice, and what became of the sockets of enrolled cgroups.</summary>
public sealed record LeasesReply(ImmutableArray<LeaseRow> Leases) : ControlReply
{
    public ImmutableArray<ChoiceRow> Choices { get; init; } = [];

    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Leases;

    public override IEnumerable<string> Lines() => Leases.Length == 0
        ? ["nobody has a slice"]
        : new TextTable<LeaseRow>(Leases)
            .Left("slice", l => l.Slice.ToString())
            .Left("pool", l => l.Pool)
            .Left("use", l => l.Use)
            .Left("holder", l => l.Kind)
            .Left("id", l => l.Id)
            .Right("process", l => l.ProcessId is { } id ? Units.Count(id) : null)
            .Left("command", l => l.Command)
            .Right("user", l => l.UserId is { } id ? Units.Count(id) : null)
            .Left("cgroup", l => l.Cgroup)
            .Left("since", l => Units.Time(l.Since))
            .Lines()
            .Concat(Choices.IsEmpty ? [] : new TextTable<ChoiceRow>(Choices)
                .Left("cgroup", c => c.Path ?? c.Cgroup)
                .Right("tcp", c => Units.Count(c.Tcp))
                .Right("udp", c => Units.Count(c.Udp))
                .Right("next slice", c => Units.Count(c.NextSlice))
                .Right("no port left", c => Units.Count(c.Exhausted))
                .Right("datagrams refused", c => Units.Count(c.DatagramsRefused))
                .Lines()
                .Prepend(""));
}
