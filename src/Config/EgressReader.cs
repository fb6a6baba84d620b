using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>Reads <c>egress:</c>, what this server hands out to its own programs.</summary>
internal sealed class EgressReader(DiagnosticBag bag, ServerPlaces places)
{
    private const int MostSlices = 64;
    private readonly Values values = new(bag);

    /// <returns>Null if the file has no such section: nothing is handed out here.</returns>
    public EgressConfig? Read(Section file)
    {
        if (file.Optional("egress") is not { } node
            || Section.Open(bag, node, file.KeyPlace("egress"), "'egress'", ServerKeys.Egress) is not { } section)
        {
            return null;
        }

        var attribution = values.AbsolutePath(section.Optional("attribution"), "'attribution'") ?? ServerYaml.DefaultAttribution;
        var quarantine = ReadQuarantine(section);
        var setsKernel = values.Truth(section.Optional("set-kernel"), "'set-kernel'") ?? true;
        return new EgressConfig(attribution, quarantine, setsKernel, ReadNat(section));
    }

    private TimeSpan ReadQuarantine(Section egress)
    {
        if (!egress.Has("quarantine") || values.Number(egress.Optional("quarantine"), "'quarantine'", 1, 86400) is not { } seconds)
        {
            return ServerYaml.DefaultQuarantine;
        }

        var quarantine = TimeSpan.FromSeconds(seconds);
        if (quarantine < ServerYaml.DefaultQuarantine)
        {
            bag.Warning(egress.Optional("quarantine")!.Place, "a slice that rests for less than 120 s may meet the former user's peers (RFC 6888 REQ-8)");
        }

        return quarantine;
    }

    private ImmutableArray<NatConfig> ReadNat(Section egress)
    {
        var pools = ImmutableArray.CreateBuilder<NatConfig>();
        var known = new List<IpPrefix>();
        foreach (var entry in values.Named(egress.Optional("nat"), "'nat'"))
        {
            places.NatPools.Add((entry.Key.Text, entry.Key.Place));
            if (Section.Open(bag, entry.Value, entry.Key.Place, $"NAT of pool '{Quoted.Short(entry.Key.Text)}'", ServerKeys.Nat) is not { } section)
            {
                continue;
            }

            var slices = section.Has("slices") ? values.Number(section.Optional("slices"), "'slices'", 1, MostSlices) : 1;
            pools.Add(new NatConfig(entry.Key.Text, ReadSources(section, known), (int)(slices ?? 1)));
        }

        return pools.ToImmutable();
    }

    private ImmutableArray<IpPrefix> ReadSources(Section section, List<IpPrefix> known)
    {
        var sources = ImmutableArray.CreateBuilder<IpPrefix>();
        var node = section.Required("sources", "list the prefixes whose forwarded traffic leaves from this pool");
        if (values.List(node, "'sources'") is not { } items)
        {
            return [];
        }

        if (items.Count == 0)
        {
            bag.Error(node!.Place, "'sources' is empty: no traffic would be translated", "list a prefix, or take the pool out of 'nat'");
        }

        foreach (var item in items)
        {
            if (values.Text(item, "a source") is not { } text)
            {
                continue;
            }

            if (!IpPrefix.TryParse(text, out var prefix) || prefix.IsIPv6)
            {
                bag.Error(item.Place, $"a source is an IPv4 prefix like 10.88.0.0/16, not '{Quoted.Short(text)}'");
            }
            else if (known.FirstOrDefault(k => k.Overlaps(prefix)) is var other && known.Exists(k => k.Overlaps(prefix)))
            {
                bag.Error(item.Place, $"source {prefix} overlaps {other}: it could be told to leave from two pools");
            }
            else
            {
                known.Add(prefix);
                places.NatSources.Add((prefix, item.Place));
                sources.Add(prefix);
            }
        }

        return sources.ToImmutable();
    }
}
