using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SoftUnicast.Steering.Abi;

/// <summary>6 bytes: a MAC address as on the wire.</summary>
[InlineArray(Length)]
public struct SuMacBytes
{
    public const int Length = 6;
    private byte first;
}

/// <summary><c>struct su_interface</c>: one interface, by ifindex; 8 bytes, written by one aligned store.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SuInterface
{
    /// <summary>Frames to another address are not ours.</summary>
    public SuMacBytes Mac;

    /// <summary><c>SU_ROLE_*</c>, the values of <see cref="Model.InterfaceRoles"/>; 0: everything passes.</summary>
    public byte Roles;

    public byte Pad;
}
