using SoftUnicast.Model;

namespace SoftUnicast.Egress.Life;

/// <summary>One slice on this server: what the log keeps of it, and what is counted anew after every start.</summary>
/// <param name="Slice">The address and the ports.</param>
/// <param name="Pool">The pool that it belongs to.</param>
public sealed record SliceState(AddressPorts Slice, string Pool)
{
    public SlicePhase Phase { get; init; }

    /// <summary>The port chooser that it serves; <see cref="SliceUse.None"/> until the first one asks.</summary>
    public SliceUse Use { get; init; }

    /// <summary>The assignment gives it to this server.</summary>
    public bool Granted { get; init; }

    /// <summary>The operator wants it empty.</summary>
    public bool DrainAsked { get; init; }

    /// <summary>It has been in quarantine since it was free last: it is not handed out again before it is free.</summary>
    public bool WaitsOut { get; init; }

    /// <summary>When <see cref="Phase"/> was entered; quarantine is counted from here. Null: never in any phase but free.</summary>
    public Clock? Since { get; init; }

    /// <summary>Not in the log. Somebody holds it: a lease, an enrolled cgroup, a NAT chain.</summary>
    public bool Held { get; init; }

    /// <summary>Not in the log. Sockets at the last count of this phase, TIME_WAIT and NAT entries included; null before the first.</summary>
    public int? Sockets { get; init; }

    /// <summary>Not in the log. Since when an owned slice with a use has neither holder nor socket.</summary>
    public Clock? QuietSince { get; init; }

    /// <summary>May be handed out.</summary>
    public bool IsOpen => Phase == SlicePhase.Owned;

    /// <summary>Nothing to remember: neither granted nor in any phase but free.</summary>
    public bool IsForgotten => Phase == SlicePhase.Free && !Granted && !DrainAsked;

    /// <summary>What the log keeps, and a use that counts as held until the first count says otherwise.</summary>
    public SliceState AfterRestart() => this with { Held = Use != SliceUse.None, Sockets = null, QuietSince = null };

    /// <summary>True if the log would keep the same of both.</summary>
    public bool IsSameOnDisk(SliceState other) => AfterRestart() == other?.AfterRestart();
}
