using SoftUnicast.Dispatch.Abi;
using SoftUnicast.Model;

namespace SoftUnicast.Dispatch;

/// <summary>How a socket comes to the others of its label.</summary>
public enum RegisterMode
{
    /// <summary>Shares with them.</summary>
    Join,

    /// <summary>Takes their place: what opens from then on is its. Connections that are open stay where they are.</summary>
    Replace,
}

/// <summary>A registered socket, in one place.</summary>
/// <param name="Cookie">The kernel's number of the socket (SO_COOKIE), as <c>ss -e</c> shows it after <c>sk:</c>.</param>
/// <param name="IsIPv6">The packets it gets here; a socket of :: that is not IPV6_V6ONLY has a place for each family.</param>
/// <param name="IsExact">It alone, and not the SO_REUSEPORT group that it is in.</param>
public sealed record RegisteredSocket(Label Label, DispatchProtocol Protocol, bool IsIPv6, int Slot, ulong Cookie, bool IsExact);

/// <summary>Where a new socket goes, and which slots are emptied then.</summary>
/// <param name="Refusal">Why there is no place; nothing is done then.</param>
public sealed record SlotPlan(int Slot, IReadOnlyList<int> Emptied, string? Refusal)
{
    /// <param name="live">The cookies by slot; 0: empty.</param>
    public static SlotPlan Make(ReadOnlySpan<ulong> live, ulong cookie, RegisterMode mode)
    {
        var known = live.IndexOf(cookie);
        var free = live.IndexOf(0ul);
        if (mode == RegisterMode.Replace)
        {
            // In place of another, by one store, so that there is a live socket at any time.
            var slot = known >= 0 ? known : 0;
            var emptied = new List<int>();
            for (var i = 0; i < live.Length; i++)
            {
                if (i != slot && live[i] != 0)
                {
                    emptied.Add(i);
                }
            }

            return new SlotPlan(slot, emptied, null);
        }

        return known >= 0 ? new SlotPlan(known, [], null)
            : free >= 0 && free < DispatchLimits.TargetSlots ? new SlotPlan(free, [], null)
            : new SlotPlan(-1, [], FormattableString.Invariant($"the label has {DispatchLimits.TargetSlots} sockets of this protocol already; more can share one SO_REUSEPORT group, of which one is registered"));
    }
}
