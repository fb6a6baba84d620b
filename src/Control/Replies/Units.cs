using System.Globalization;
using System.Text.Json;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Replies;

/// <summary>Numbers and names as people read them.</summary>
internal static class Units
{
    private static readonly string[] ByteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    /// <summary>1,234 B as <c>1.2 KiB</c>.</summary>
    public static string Bytes(ulong bytes)
    {
        var unit = 0;
        double value = bytes;
        while (value >= 1024 && unit < ByteUnits.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return unit == 0
            ? string.Create(CultureInfo.InvariantCulture, $"{bytes} B")
            : string.Create(CultureInfo.InvariantCulture, $"{value:0.0} {ByteUnits[unit]}");
    }

    public static string Count(long count) => count.ToString(CultureInfo.InvariantCulture);

    public static string Count(ulong count) => count.ToString(CultureInfo.InvariantCulture);

    /// <summary>Down to milliseconds below a second, else <c>3d 04:05:06</c> or <c>04:05:06</c>.</summary>
    public static string Duration(TimeSpan duration)
    {
        if (duration < TimeSpan.FromSeconds(1))
        {
            return string.Create(CultureInfo.InvariantCulture, $"{duration.TotalMilliseconds:0.###} ms");
        }

        return duration.Days > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{duration.Days}d {duration:hh\\:mm\\:ss}")
            : duration.ToString("hh\\:mm\\:ss", CultureInfo.InvariantCulture);
    }

    public static string Time(DateTimeOffset time) => time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    public static string? Time(DateTimeOffset? time) => time is { } t ? Time(t) : null;

    /// <summary>An enum's value as it stands in text and JSON alike: <c>GoingDown</c> is <c>going-down</c>.</summary>
    public static string Name<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());

    /// <summary><c>192.0.2.7:5123</c>, <c>[2001:db8::7]:5123</c>.</summary>
    public static string Endpoint(IpAddress address, ushort port) => address.IsIPv6
        ? string.Create(CultureInfo.InvariantCulture, $"[{address}]:{port}")
        : string.Create(CultureInfo.InvariantCulture, $"{address}:{port}");

    public static string Percent(int percent) => string.Create(CultureInfo.InvariantCulture, $"{percent} %");

    public static string Seconds(TimeSpan duration) => duration.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture);

    public static string YesNo(bool value) => value ? "yes" : "no";

    /// <summary>A number with its noun: <c>1 prefix</c>, <c>2 prefixes</c>.</summary>
    public static string Of(long count, string noun) => string.Create(CultureInfo.InvariantCulture,
        $"{count} {noun}{(count == 1 ? "" : noun.EndsWith('x') ? "es" : "s")}");
}
