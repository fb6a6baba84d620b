using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SoftUnicast.Egress.Abi;

/// <summary><c>SU_CHOOSER_*</c>, the flags of a policy.</summary>
[Flags]
public enum ChooserTraits
{
    None = 0,

    /// <summary>Datagrams of unconnected sockets are translated behind the chooser; without, they are refused.</summary>
    DatagramsNated = 1,
}

/// <summary><c>struct su_chooser_slice</c>: 8 bytes, read as one word.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SuChooserSlice
{
    /// <summary>The IPv4 address as its four bytes lie on the wire.</summary>
    public uint AddressBe;

    public ushort FirstPort;

    /// <summary>A power of two, 256 to 32,768.</summary>
    public ushort PortCount;
}

/// <summary>The entries of <see cref="SuChooser.Slices"/>.</summary>
[InlineArray(ChooserLimits.Slices)]
public struct SuChooserSlices
{
    private SuChooserSlice first;
}

/// <summary><c>struct su_chooser</c>: what the programs of one cgroup send from.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SuChooser
{
    /// <summary>Slices that count, from the first.</summary>
    public uint Count;

    /// <summary><see cref="ChooserTraits"/>.</summary>
    public uint Flags;

    /// <summary>Slices of one address stand together.</summary>
    public SuChooserSlices Slices;
}

/// <summary><c>struct su_choice_counters</c>, by <see cref="Choice"/>.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SuChoiceCounters
{
    public SuChoiceNumbers ByChoice;
}

/// <summary>The entries of <see cref="SuChoiceCounters.ByChoice"/>.</summary>
[InlineArray(ChooserLimits.Choices)]
public struct SuChoiceNumbers
{
    private ulong first;
}
