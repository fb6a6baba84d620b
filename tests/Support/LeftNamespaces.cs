namespace SoftUnicast.Tests.Support;

/// <summary>Network namespaces are named PREFIX-PID-NUMBER after the run that made them: one whose process is gone was left behind.</summary>
internal static class LeftNamespaces
{
    /// <param name="listing">What <c>ip netns list</c> says.</param>
    public static IEnumerable<string> In(string listing, string prefix) => listing.Split('\n').Select(line => line.Split(' ')[0])
        .Where(name => name.Split('-') is [var its, var owner, _] && its == prefix && int.TryParse(owner, out var pid) && !Directory.Exists($"/proc/{pid}"));
}
