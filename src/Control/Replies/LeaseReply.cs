using System.Collections.Immutable;
using System.Text.Json.Serialization;
using SoftUnicast.Control.Commands;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Replies;

/// <summary>
/// <c>lease</c> and <c>renew</c>: slices, as long as the process lives or until <c>release</c>. Its text is a word and its value
/// a line, a line a slice, for programs without a JSON reader.
/// </summary>
/// <param name="Lease">Its id.</param>
/// <param name="ProcessId">The process that it ends with.</param>
/// <param name="Slices">At least one; the first is to be used first.</param>
public sealed record LeaseReply(string Lease, LeaseKind Kind, int ProcessId, ImmutableArray<HeldSlice> Slices) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Leased;

    public override IEnumerable<string> Lines()
    {
        yield return $"lease    {Lease}";
        yield return $"kind     {Units.Name(Kind)}";
        yield return $"process  {ProcessId}";
        foreach (var held in Slices)
        {
            yield return $"slice    {held.Slice} {held.Pool}";
        }
    }
}

/// <summary><c>release</c>.</summary>
/// <param name="Slices">What was given back.</param>
public sealed record ReleaseReply(string Lease, ImmutableArray<HeldSlice> Slices) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Released;

    public override IEnumerable<string> Lines() =>
        HeldSlice.Lines(Slices).Prepend($"lease {Lease} is over, {Units.Of(Slices.Length, "slice")} given back");
}

/// <summary>How far a flow has come to its share of a port.</summary>
public enum HoldState
{
    /// <summary>Nobody else is given this port for this destination: bind to it, lock it, and say <c>bound</c>.</summary>
    Held = 0,

    /// <summary>It is the client's: connect, then unlock the port for flows to other destinations.</summary>
    Yours = 1,
}

/// <summary><c>hold</c> and <c>bound</c>; the text is a word and its value a line.</summary>
/// <param name="Token">Names the hold.</param>
/// <param name="Address">The local address to bind to.</param>
/// <param name="Port">The local port to bind to.</param>
/// <param name="HeldFor">How long <c>bound</c> is waited for.</param>
public sealed record HoldReply(
    string Token,
    HoldState State,
    string Lease,
    IpAddress Address,
    ushort Port,
    IpAddress Remote,
    ushort RemotePort,
    [property: JsonPropertyName("held_for_seconds"), JsonConverter(typeof(SecondsConverter))] TimeSpan HeldFor) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Hold;

    public override IEnumerable<string> Lines()
    {
        yield return $"token    {Token}";
        yield return $"state    {Units.Name(State)}";
        yield return $"lease    {Lease}";
        yield return $"local    {Units.Endpoint(Address, Port)}";
        yield return $"remote   {Units.Endpoint(Remote, RemotePort)}";
        yield return $"seconds  {Units.Seconds(HeldFor)}";
    }
}
