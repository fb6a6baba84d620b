using System.Globalization;

namespace SoftUnicast.Bench;

/// <summary>
/// What it costs that names, addresses and sockets are no longer tied to each other: dispatch beside plain sockets, answers by policy
/// beside static records, and both at work while the addresses of a service shrink from a /20 to one.
/// </summary>
internal static class AgilityBench
{
    private static readonly (string Name, Func<bool, IAgilityPart> Run)[] Parts =
    [
        ("dispatch", DispatchBench.Run),
        ("dns", NamingBench.Run),
        ("shrink", ShrinkBench.Run),
    ];

    public static string PartNames => string.Join('|', Parts.Select(p => p.Name));

    public static bool HasPart(string name) => Parts.Any(p => p.Name == name);

    /// <param name="part">Null: all of them.</param>
    /// <param name="isShort">Every figure, none of them steady.</param>
    public static AgilityReport Run(string? part, bool isShort)
    {
        var before = LoadAverage();
        var found = Parts.Where(p => part is null || p.Name == part).Select(p => p.Run(isShort)).ToArray();
        return new AgilityReport(found, isShort, before, LoadAverage());
    }

    // Over one minute, proc_loadavg(5).
    private static double LoadAverage() => double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);
}
