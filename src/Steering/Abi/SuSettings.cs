using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SoftUnicast.Steering.Abi;

/// <summary><c>struct su_local</c>: an outer address that this server answers for.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SuLocal
{
    /// <summary>The IPv4 address as its four bytes lie on the wire; 0: entry unused.</summary>
    public uint AddressBe;

    /// <summary><see cref="AcceptedEncapsulations"/>.</summary>
    public uint Accept;

    /// <summary>The key that GRE with a key must carry, as on the wire.</summary>
    public uint GreKeyBe;

    public uint Pad;
}

/// <summary>The entries of <see cref="SuSettings.Locals"/>.</summary>
[InlineArray(AbiLimits.Locals)]
public struct SuLocals
{
    private SuLocal first;
}

/// <summary><c>struct su_settings</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SuSettings
{
    public SuLocals Locals;

    /// <summary>Counts completed writes; the packet path does not read it.</summary>
    public ulong Generation;
}
