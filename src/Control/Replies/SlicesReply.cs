using System.Collections.Immutable;
using System.Text.Json.Serialization;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Replies;

public enum OwnerKind
{
    Unowned = 0,

    /// <summary>This server.</summary>
    Here = 1,

    /// <summary>Another server.</summary>
    Server = 2,

    /// <summary>A datacenter; which of its servers is known there.</summary>
    Datacenter = 3,

    /// <summary>An endpoint that the fleet file does not name.</summary>
    Unknown = 4,
}

/// <summary>An owner. <c>default</c> is nobody.</summary>
/// <param name="Name">Of the server or datacenter; null if there is none or it is unknown.</param>
public readonly record struct OwnerRef(OwnerKind Kind, string? Name)
{
    public override string ToString() => Name is null ? Units.Name(Kind) : $"{Units.Name(Kind)} {Name}";
}

/// <summary>What a slice of this server serves, and how full it is.</summary>
/// <param name="State">free, owned, draining, quarantined.</param>
/// <param name="Use">exec, range, explicit, nat; none: nobody has asked for it.</param>
/// <param name="Sockets">Bound to its ports.</param>
/// <param name="Percent">Of its ports that are taken towards the destination that takes most, 0 to 100.</param>
public sealed record SliceHere(string State, string Use, int Sockets, int Percent);

/// <summary>A slice, or several neighbouring ones of one owner, as the kernel's table has it.</summary>
/// <param name="Slice">Address and ports.</param>
/// <param name="Endpoint">Where the packet path sends it; null if here or unowned.</param>
/// <param name="Encapsulation">How; null if here or unowned.</param>
/// <param name="Meant">Who should own it by assignment and BGP, if that is somebody else; null: the kernel agrees.</param>
public sealed record SliceRow(
    AddressPorts Slice,
    string Pool,
    OwnerRef Owner,
    IpAddress? Endpoint,
    Encapsulation? Encapsulation,
    OwnerRef? Meant)
{
    /// <summary>Null unless this server owns it, and it is one slice.</summary>
    public SliceHere? Here { get; init; }
}

/// <summary><c>show slices</c>.</summary>
/// <param name="Source">Where the rows were read: <c>kernel</c>.</param>
public sealed record SlicesReply(string Source, ImmutableArray<SliceRow> Slices) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Slices;

    /// <summary>How many rows are not as they are meant to be.</summary>
    public int Disagreements => Slices.Count(s => s.Meant is not null);

    public override IEnumerable<string> Lines()
    {
        if (Slices.Length == 0)
        {
            yield return "no slices";
            yield break;
        }

        var table = new TextTable<SliceRow>(Slices)
            .Left("slice", s => s.Slice.ToString())
            .Left("pool", s => s.Pool)
            .Left("owner", s => s.Owner.ToString())
            .Left("endpoint", s => s.Endpoint?.ToString())
            .Left("encapsulation", s => s.Encapsulation?.ToString())
            .Left("state", s => s.Here?.State)
            .Left("use", s => s.Here?.Use)
            .Right("sockets", s => s.Here is { } here ? Units.Count(here.Sockets) : null)
            .Right("full", s => s.Here is { } here ? Units.Percent(here.Percent) : null)
            .Left("disagreement", s => s.Meant is { } meant ? $"! meant: {meant}" : null);
        foreach (var line in table.Lines())
        {
            yield return line;
        }

        if (Disagreements > 0)
        {
            yield return $"{Disagreements} of {Slices.Length} rows are not what assignment and BGP mean";
        }
    }
}
