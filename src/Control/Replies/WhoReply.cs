using System.Collections.Immutable;
using System.Text.Json.Serialization;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Replies;

/// <summary>Somebody who had a slice.</summary>
/// <param name="Kind">cgroup, lease, nat.</param>
/// <param name="ProcessId">The process, as it was when it got the slice; null: told by cgroup only.</param>
/// <param name="Command">Its name.</param>
/// <param name="UserId">Its user.</param>
/// <param name="Cgroup">Path of its cgroup.</param>
/// <param name="Lease">Id of the lease, or null.</param>
/// <param name="Since">When it got the slice.</param>
public sealed record WhoHolder(
    string Kind,
    int? ProcessId,
    string? Command,
    uint? UserId,
    string? Cgroup,
    string? Lease,
    DateTimeOffset Since);

/// <summary>Why the log has no answer.</summary>
/// <param name="Reason">A gap, a broken chain, a time before the log begins: in words.</param>
/// <param name="Record">The record at the edge of it, file and line; null if there is none.</param>
public sealed record WhoUnknown(string Reason, string? Record);

/// <summary><c>who</c>: one answer, from the attribution log, or that there is none and why.</summary>
/// <param name="At">The time that it is about.</param>
/// <param name="Server">Whose log it is; null if unknown.</param>
/// <param name="State">Of the slice: free, owned, draining, quarantined.</param>
/// <param name="Holders">Who could send from the port; empty: nobody.</param>
/// <param name="Record">The record that says so, file and line.</param>
/// <param name="Unknown">Null if the answer is known.</param>
public sealed record WhoReply(
    IpAddress Address,
    ushort Port,
    DateTimeOffset At,
    string? Server,
    AddressPorts? Slice,
    string? Pool,
    string? Use,
    string? State,
    ImmutableArray<WhoHolder> Holders,
    string? Record,
    WhoUnknown? Unknown) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Who;

    public override IEnumerable<string> Lines()
    {
        var about = $"{Units.Endpoint(Address, Port)} at {Units.Time(At)}";
        if (Unknown is { } unknown)
        {
            yield return $"{about}: unknown, {unknown.Reason}";
            if (unknown.Record is { } edge)
            {
                yield return $"record  {edge}";
            }

            yield break;
        }

        yield return $"{about}: {Server}";
        yield return $"slice   {Slice?.ToString() ?? "none"}{(Pool is null ? "" : $" of pool {Pool}")}, {State}{(Use is null ? "" : $", use {Use}")}";
        if (Holders.Length == 0)
        {
            yield return "holder  nobody";
        }

        foreach (var line in new TextTable<WhoHolder>(Holders)
            .Left("holder", h => h.Kind)
            .Left("lease", h => h.Lease)
            .Right("process", h => h.ProcessId is { } id ? Units.Count(id) : null)
            .Left("command", h => h.Command)
            .Right("user", h => h.UserId is { } id ? Units.Count(id) : null)
            .Left("cgroup", h => h.Cgroup)
            .Left("since", h => Units.Time(h.Since))
            .Lines())
        {
            yield return line;
        }

        if (Record is { } record)
        {
            yield return $"record  {record}";
        }
    }
}
