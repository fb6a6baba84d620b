using System.Runtime.InteropServices;

namespace SoftUnicast.Steering.Abi;

/// <summary>What a /24 holds (<c>enum su_prefix_kind</c>).</summary>
public enum PrefixKind
{
    None = 0,
    Egress = 1,
    Peers = 2,
}

/// <summary>What an egress /24 lets in that would open a flow from outside (<c>SU_FLAG_*</c>).</summary>
[Flags]
public enum EgressPolicies
{
    None = 0,

    /// <summary>A bare TCP SYN or SCTP INIT goes to the owner of its port; else it is dropped.</summary>
    OpenToOwner = 1,

    /// <summary>An echo request goes to the owner of its identifier.</summary>
    EchoToOwner = 2,

    /// <summary>An echo request is answered by the server it lands on.</summary>
    EchoAnswer = 4,
}

/// <summary><c>struct su_prefix</c>: one /24; 8 bytes, written by one aligned store.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SuPrefix
{
    /// <summary>First slot of the /24 in <c>su_rows</c>.</summary>
    public uint RowBase;

    /// <summary><see cref="PrefixKind"/>.</summary>
    public byte Kind;

    /// <summary>For an egress /24: log2 of the slots that an address has, 1 to 8.</summary>
    public byte RowShift;

    /// <summary><see cref="EgressPolicies"/>.</summary>
    public byte Flags;

    public byte Pad;
}
