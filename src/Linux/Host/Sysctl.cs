using System.Globalization;

namespace SoftUnicast.Linux.Host;

/// <summary>
/// Kernel settings, read from /proc/sys. Names as sysctl(8) has them: dots between the parts, a slash for a dot inside one
/// (net.ipv4.conf.eth0/100.rp_filter).
/// </summary>
public static class Sysctl
{
    /// <summary>The value without the line end, or null if this kernel has no such setting.</summary>
    public static string? Read(string name) => Read("/proc/sys", name);

    /// <summary>A whole number, or null if there is no such setting or it is no number.</summary>
    public static long? ReadNumber(string name) =>
        long.TryParse(Read(name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    internal static string? Read(string root, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var parts = name.Split('.').Select(part => part.Replace('/', '.')).ToArray();
        if (parts.Any(part => part is "" or "." or ".."))
        {
            throw new ArgumentException($"'{name}' is not the name of a sysctl", nameof(name));
        }

        try
        {
            return File.ReadAllText(Path.Combine([root, .. parts])).TrimEnd('\n');
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }
}
