using System.Buffers.Binary;
using SoftUnicast.Model;

namespace SoftUnicast.Dispatch;

/// <summary>
/// Which of a label's sockets a flow gets, as <c>bpf/dispatch.bpf.c</c> chooses: a hash of the flow over the slots, and from there on the
/// next slot that holds a live socket. If that socket is a member of an SO_REUSEPORT group and was not registered as exact, the kernel then
/// chooses within the group as it always does.
/// </summary>
public static class SlotChoice
{
    /// <summary>The same for all packets of a flow.</summary>
    public static uint FlowHash(IpAddress remote, ushort remotePort, IpAddress local, ushort localPort)
    {
        unchecked
        {
            var hash = ((Fold(remote) * 0x9e3779b1u) ^ Fold(local)) * 0x85ebca6bu;
            hash ^= hash >> 15;
            hash ^= ((uint)remotePort << 16) | localPort;
            hash *= 0xc2b2ae35u;
            hash ^= hash >> 16;
            hash *= 0x27d4eb2fu;
            return hash ^ (hash >> 15);
        }
    }

    /// <summary>The slot; null: none of them holds a live socket.</summary>
    /// <param name="isLive">By slot, up to the highest one in use.</param>
    public static int? Choose(uint flowHash, ReadOnlySpan<bool> isLive)
    {
        var first = (int)(((ulong)flowHash * (ulong)isLive.Length) >> 32);
        for (var i = 0; i < isLive.Length; i++)
        {
            var slot = (first + i) % isLive.Length;
            if (isLive[slot])
            {
                return slot;
            }
        }

        return null;
    }

    private static uint Fold(IpAddress address)
    {
        uint folded = 0;
        var bytes = address.ToBytes();
        for (var i = 0; i < bytes.Length; i += 4)
        {
            folded ^= BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(i));
        }

        return folded;
    }
}
