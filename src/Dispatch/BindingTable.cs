using System.Globalization;
using SoftUnicast.Dispatch.Abi;
using SoftUnicast.Model;

namespace SoftUnicast.Dispatch;

/// <summary>
/// The bindings of a server: immutable, in order, without contradictions. <see cref="Lookup(DispatchProtocol, IpAddress, ushort)"/>
/// is what the kernel's program must do.
/// </summary>
public sealed class BindingTable
{
    private readonly Dictionary<(DispatchProtocol Protocol, IpPrefix Prefix), List<Binding>> byPrefix = [];
    private readonly int[] v4Lengths;
    private readonly int[] v6Lengths;

    private BindingTable(IEnumerable<Binding> bindings)
    {
        Bindings = [.. bindings.Order()];
        foreach (var binding in Bindings)
        {
            if (!byPrefix.TryGetValue((binding.Protocol, binding.Prefix), out var list))
            {
                byPrefix[(binding.Protocol, binding.Prefix)] = list = [];
            }

            list.Add(binding); // the narrower one first
        }

        v4Lengths = Lengths(isIPv6: false);
        v6Lengths = Lengths(isIPv6: true);
    }

    public static BindingTable Empty { get; } = new([]);

    /// <summary>All of them, in their order.</summary>
    public IReadOnlyList<Binding> Bindings { get; }

    /// <summary>Makes a table, if nothing is wrong.</summary>
    /// <param name="allowed">The prefixes that bindings may lie in: the configured pools'. None: nothing may be bound.</param>
    public static BindingTableResult Create(IEnumerable<Binding> bindings, IReadOnlyCollection<IpPrefix> allowed)
    {
        ArgumentNullException.ThrowIfNull(allowed);
        var list = bindings.ToList();
        return Create(list, list.Where(b => !allowed.Any(p => p.Contains(b.Prefix))), allowed);
    }

    /// <summary>The table with one binding more; those that it has may lie where they do.</summary>
    public BindingTableResult With(Binding binding, IReadOnlyCollection<IpPrefix> allowed)
    {
        ArgumentNullException.ThrowIfNull(binding);
        ArgumentNullException.ThrowIfNull(allowed);
        var result = Create([.. Bindings, binding], allowed.Any(p => p.Contains(binding.Prefix)) ? [] : [binding], allowed);
        return result with { Problems = [.. result.Problems.Select(p => p.Other == binding ? p.OfOther() : p)] };
    }

    /// <summary>The table without a binding.</summary>
    public BindingTableResult Without(Binding binding) => Bindings.Contains(binding)
        ? new BindingTableResult(new BindingTable(Bindings.Where(b => b != binding)), [])
        : new BindingTableResult(null, [new BindingProblem(BindingProblemKind.Missing, binding, null, $"there is no binding '{binding}'")]);

    /// <summary>The binding that takes it: of all that match, that of the longest prefix; of these, that of the fewest ports. None: null.</summary>
    public Binding? Match(DispatchProtocol protocol, IpAddress address, ushort port)
    {
        foreach (var length in address.IsIPv6 ? v6Lengths : v4Lengths)
        {
            if (byPrefix.TryGetValue((protocol, IpPrefix.Covering(address, length)), out var list)
                && list.Find(b => b.Ports.Contains(port)) is { } binding)
            {
                return binding;
            }
        }

        return null;
    }

    /// <summary>The label whose sockets take it; null: no binding matches, and the kernel looks for a listener as ever.</summary>
    public Label? Lookup(DispatchProtocol protocol, IpAddress address, ushort port) => Match(protocol, address, port)?.Label;

    /// <summary>What must change to get from here to there.</summary>
    public BindingDiff DiffTo(BindingTable next)
    {
        ArgumentNullException.ThrowIfNull(next);
        var now = Bindings.ToHashSet();
        var then = next.Bindings.ToHashSet();
        return new BindingDiff([.. next.Bindings.Where(b => !now.Contains(b))], [.. Bindings.Where(b => !then.Contains(b))]);
    }

    /// <summary>The table that the kernel holds, which was checked when it was made.</summary>
    public static BindingTable OfKernel(IEnumerable<Binding> bindings) => new(bindings);

    private static BindingTableResult Create(List<Binding> bindings, IEnumerable<Binding> outside, IReadOnlyCollection<IpPrefix> allowed)
    {
        var sorted = bindings.Order().ToList();
        List<BindingProblem> problems = [.. outside.Order().Select(b => Outside(b, allowed)), .. BindingProblem.Collisions(sorted)];
        if (sorted.Count > DispatchLimits.MaxBindings)
        {
            problems.Add(new BindingProblem(BindingProblemKind.TooMany, sorted[DispatchLimits.MaxBindings], null, string.Create(
                CultureInfo.InvariantCulture, $"{sorted.Count} bindings: a server holds at most {DispatchLimits.MaxBindings}")));
        }

        return problems.Count == 0 ? new BindingTableResult(new BindingTable(sorted), []) : new BindingTableResult(null, problems);
    }

    private static BindingProblem Outside(Binding binding, IReadOnlyCollection<IpPrefix> allowed) => new(
        BindingProblemKind.OutsidePools, binding, null,
        $"'{binding}' lies in no configured pool: {(allowed.Count == 0 ? "there is none" : string.Join(", ", allowed.Order()))}");

    private int[] Lengths(bool isIPv6) =>
        [.. byPrefix.Keys.Where(k => k.Prefix.IsIPv6 == isIPv6).Select(k => k.Prefix.Length).Distinct().OrderDescending()];
}

/// <summary>What must change to get from one table to another. A binding that leads to another label is removed and added.</summary>
public sealed record BindingDiff(IReadOnlyList<Binding> Added, IReadOnlyList<Binding> Removed)
{
    public bool IsEmpty => Added.Count == 0 && Removed.Count == 0;
}

/// <summary>A table, or everything that is wrong with what it was to be made of.</summary>
public sealed record BindingTableResult(BindingTable? Table, IReadOnlyList<BindingProblem> Problems);
