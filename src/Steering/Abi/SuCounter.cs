using System.Runtime.InteropServices;

namespace SoftUnicast.Steering.Abi;

/// <summary><c>struct su_counter</c>: packets, and bytes of the frames as they arrived.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SuCounter
{
    public ulong Packets;
    public ulong Bytes;
}
