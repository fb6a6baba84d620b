namespace SoftUnicast.BgpSpeaker.Wire;

/// <summary>Address family and subsequent address family (RFC 4760), those that the speaker uses.</summary>
internal readonly record struct Family(ushort Afi, byte Safi)
{
    public const byte UnicastSafi = 1;
    public const byte FlowSpecSafi = 133;

    public static Family IPv4Unicast { get; } = new(1, UnicastSafi);

    public static Family IPv6Unicast { get; } = new(2, UnicastSafi);

    public static Family IPv4FlowSpec { get; } = new(1, FlowSpecSafi);

    public static Family IPv6FlowSpec { get; } = new(2, FlowSpecSafi);

    public static IReadOnlyList<Family> All { get; } = [IPv4Unicast, IPv6Unicast, IPv4FlowSpec, IPv6FlowSpec];

    public static IReadOnlyList<Family> FlowSpec { get; } = [IPv4FlowSpec, IPv6FlowSpec];

    public bool IsIPv6 => Afi == 2;

    public bool IsFlowSpec => Safi == FlowSpecSafi;

    public static Family Unicast(bool ipv6) => ipv6 ? IPv6Unicast : IPv4Unicast;

    public static Family FlowSpecOf(bool ipv6) => ipv6 ? IPv6FlowSpec : IPv4FlowSpec;

    public override string ToString() => (IsIPv6 ? "ipv6" : "ipv4") + (IsFlowSpec ? " flowspec" : " unicast");
}
