using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>Ranges that no endpoint, neighbour or egress address may lie in (RFC 6890, RFC 4291).</summary>
internal static class AddressRules
{
    private static readonly (IpPrefix Prefix, string Why)[] Ranges =
    [
        (IpPrefix.Parse("0.0.0.0/8"), "0.0.0.0/8 means \"this network\""),
        (IpPrefix.Parse("127.0.0.0/8"), "it is a loopback address"),
        (IpPrefix.Parse("169.254.0.0/16"), "it is a link-local address"),
        (IpPrefix.Parse("224.0.0.0/4"), "it is a multicast address"),
        (IpPrefix.Parse("240.0.0.0/4"), "240.0.0.0/4 is reserved"),
        (IpPrefix.Parse("::/128"), "it is the unspecified address"),
        (IpPrefix.Parse("::1/128"), "it is a loopback address"),
        (IpPrefix.Parse("::ffff:0:0/96"), "it is an IPv4-mapped address"),
        (IpPrefix.Parse("fe80::/10"), "it is a link-local address"),
        (IpPrefix.Parse("ff00::/8"), "it is a multicast address"),
    ];

    public static string? WhyNotUnicast(IpAddress address) =>
        Ranges.Where(r => r.Prefix.Contains(address)).Select(r => r.Why).FirstOrDefault();

    /// <summary>The special range that a prefix shares addresses with, or null.</summary>
    public static IpPrefix? SpecialRangeIn(IpPrefix prefix)
    {
        foreach (var (special, _) in Ranges)
        {
            if (special.Overlaps(prefix))
            {
                return special;
            }
        }

        return null;
    }
}
