using System.Collections.Immutable;
using System.Globalization;
using SoftUnicast.Model;

namespace SoftUnicast.Egress.Host;

/// <summary>What a machine is like now.</summary>
/// <param name="Sysctls">By name; several numbers with one space between them; null: this kernel has no such setting.</param>
/// <param name="LocalRoutes">Prefixes of IPv4 whose every address is this machine's.</param>
public sealed record HostValues(ImmutableDictionary<string, string?> Sysctls, ImmutableArray<IpPrefix> LocalRoutes)
{
    public string? Text(string name) => Sysctls.GetValueOrDefault(name);

    /// <summary>A whole number, or null.</summary>
    public int? Number(string name) =>
        int.TryParse(Text(name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
}

/// <param name="Changes">To be made.</param>
/// <param name="Remarks">Not ours to change.</param>
public sealed record HostVerdict(ImmutableArray<HostChange> Changes, ImmutableArray<HostRemark> Remarks);

/// <summary>A setting to be changed.</summary>
/// <param name="Name">As sysctl(8) has it, or <see cref="RoutePrefix"/> and a prefix.</param>
/// <param name="Was">Null for a route that is not there.</param>
/// <param name="Stops">Uses of slices that nothing is handed out for before it is changed.</param>
public sealed record HostChange(string Name, string? Was, string Wanted, string Why, ImmutableArray<SliceUse> Stops)
{
    public const string RoutePrefix = "route local ";

    /// <summary>The prefix of a local route; null if this is a sysctl.</summary>
    public IpPrefix? Route => RouteOf(Name);

    public static IpPrefix? RouteOf(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.StartsWith(RoutePrefix, StringComparison.Ordinal) && IpPrefix.TryParse(name.AsSpan(RoutePrefix.Length), out var prefix) ? prefix : null;
    }

    /// <summary>What to type: <c>sysctl -w NAME=VALUE</c> or <c>ip route add local PREFIX dev lo</c>; a null value removes.</summary>
    public static string CommandOf(string name, string? value) => RouteOf(name) is { } prefix
        ? $"ip route {(value is null ? "del" : "add")} local {prefix} dev lo"
        : $"sysctl -w {name}={(value is null or "" || value.Contains(' ', StringComparison.Ordinal) ? $"\"{value}\"" : value)}";
}

/// <summary>A setting that is not as it should be, and that an operator has to change.</summary>
/// <param name="Stops">Uses of slices that nothing is handed out for meanwhile; empty: it is advice.</param>
public sealed record HostRemark(string Name, string? Is, string? Wanted, string Why, ImmutableArray<SliceUse> Stops)
{
    /// <summary>Why it could not be changed, if that was tried.</summary>
    public string? Cause { get; init; }

    public string Command => HostChange.CommandOf(Name, Wanted);

    /// <summary><c>NAME is VALUE: why (cause): sysctl -w NAME=WANTED</c>.</summary>
    public override string ToString() =>
        $"{Name} is {(Is is null ? "not there" : Is.Length == 0 ? "empty" : Is)}: {Why}{(Cause is null ? "" : $" ({Cause})")}: {Command}";
}
