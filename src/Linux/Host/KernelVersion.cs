using System.Globalization;

namespace SoftUnicast.Linux.Host;

/// <summary>A Linux version, by its first two numbers: 6.18.44-cloud-amd64 is 6.18.</summary>
public readonly record struct KernelVersion(int Major, int Minor) : IComparable<KernelVersion>
{
    /// <summary>The kernel that runs now.</summary>
    public static KernelVersion Running => Parse(File.ReadAllText("/proc/sys/kernel/osrelease"));

    /// <summary>Two numbers with a dot between them, and whatever follows.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out KernelVersion version)
    {
        version = default;
        var dot = text.IndexOf('.');
        if (dot <= 0)
        {
            return false;
        }

        var rest = text[(dot + 1)..];
        var end = rest.IndexOfAnyExceptInRange('0', '9');
        if (!int.TryParse(text[..dot], NumberStyles.None, CultureInfo.InvariantCulture, out var major)
            || !int.TryParse(end < 0 ? rest : rest[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var minor))
        {
            return false;
        }

        version = new KernelVersion(major, minor);
        return true;
    }

    public static KernelVersion Parse(ReadOnlySpan<char> text) => TryParse(text, out var version)
        ? version
        : throw new FormatException($"'{text}' is not a kernel version");

    public int CompareTo(KernelVersion other) => (Major, Minor).CompareTo((other.Major, other.Minor));

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Major}.{Minor}");

    public static bool operator <(KernelVersion left, KernelVersion right) => left.CompareTo(right) < 0;

    public static bool operator >(KernelVersion left, KernelVersion right) => left.CompareTo(right) > 0;

    public static bool operator <=(KernelVersion left, KernelVersion right) => left.CompareTo(right) <= 0;

    public static bool operator >=(KernelVersion left, KernelVersion right) => left.CompareTo(right) >= 0;
}
