namespace SoftUnicast.Steering.Abi;

/// <summary>The constants of <c>bpf/abi.h</c>: how large each map is and what its special values mean.</summary>
public static class AbiLimits
{
    /// <summary>Version of the binary contract; the pin folder is named <c>v</c> and this number.</summary>
    public const int Version = 1;

    /// <summary>u16 entries of <c>su_l1</c>; <see cref="L1Index"/> says which one an address has.</summary>
    public const int L1Entries = 65536;

    /// <summary>Blocks of 256 prefixes in <c>su_l2</c>; block 0 is never used.</summary>
    public const int L2Blocks = 256;

    public const int L2Entries = L2Blocks * 256;

    /// <summary>u16 slots of <c>su_rows</c>.</summary>
    public const int RowSlots = 4 * 1024 * 1024;

    /// <summary>Entries of <c>su_endpoints</c>; <see cref="SlotUnowned"/> and <see cref="SlotHere"/> are no endpoints.</summary>
    public const int Endpoints = 32768;

    /// <summary>Entries of <c>su_interfaces</c>, indexed by ifindex.</summary>
    public const int Interfaces = 4096;

    /// <summary>Outer addresses that this server answers for, at most.</summary>
    public const int Locals = 4;

    /// <summary>The entry of <c>su_l1</c> for the upper 16 bits of an address: the two bytes as they lie in a packet.</summary>
    /// <param name="upperHalf">The upper 16 bits, host order.</param>
    public static int L1Index(uint upperHalf) =>
        (ushort)System.Net.IPAddress.HostToNetworkOrder((short)upperHalf);

    public const ushort SlotUnowned = 0;

    public const ushort SlotHere = 1;

    /// <summary>The first index of <c>su_endpoints</c> that holds an endpoint.</summary>
    public const int FirstEndpoint = 2;

    /// <summary>UDP destination port of Generic UDP Encapsulation.</summary>
    public const ushort GuePort = 6080;

    /// <summary>How many reasons there are.</summary>
    public const int Reasons = (int)Reason.Headroom + 1;
}
