using System.Globalization;

namespace SoftUnicast.Linux.Host;

/// <summary>
/// Kernel settings, in /proc/sys. Names as sysctl(8) has them: dots between the parts, a slash for a dot inside one
/// (net.ipv4.conf.eth0/100.rp_filter).
/// </summary>
public static class Sysctl
{
    /// <summary>The value without the line end, or null if this kernel has no such setting.</summary>
    public static string? Read(string name) => Read("/proc/sys", name);

    /// <summary>A whole number, or null if there is no such setting or it is no number.</summary>
    public static long? ReadNumber(string name) =>
        long.TryParse(Read(name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>Sets a value. Those below net are of the network namespace of the calling thread; CAP_NET_ADMIN may set them.</summary>
    /// <exception cref="IOException">EROFS: /proc/sys is read-only, as under ProtectKernelTunables; EINVAL: no such value.</exception>
    /// <exception cref="UnauthorizedAccessException">EACCES or EPERM.</exception>
    public static void Write(string name, string value) => File.WriteAllText(PathOf("/proc/sys", name), value + "\n");

    internal static string? Read(string root, string name)
    {
        try
        {
            return File.ReadAllText(PathOf(root, name)).TrimEnd('\n');
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    private static string PathOf(string root, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var parts = name.Split('.').Select(part => part.Replace('/', '.')).ToArray();
        return parts.Any(part => part is "" or "." or "..")
            ? throw new ArgumentException($"'{name}' is not the name of a sysctl", nameof(name))
            : Path.Combine([root, .. parts]);
    }
}
