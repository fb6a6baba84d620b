using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>Reads <c>dispatch:</c>, what comes in on whole prefixes and whose sockets take it.</summary>
internal sealed class DispatchReader(DiagnosticBag bag, ServerPlaces places)
{
    private readonly Values values = new(bag);

    /// <returns>Null if the file has no such section: nothing is dispatched here.</returns>
    public DispatchConfig? Read(Section file)
    {
        if (file.Optional("dispatch") is not { } node
            || Section.Open(bag, node, file.KeyPlace("dispatch"), "'dispatch'", ServerKeys.Dispatch) is not { } section)
        {
            return null;
        }

        var pools = ReadPools(section);
        var labels = ReadLabels(section);
        var bindings = ReadBindings(section, pools, labels);
        var state = values.AbsolutePath(section.Optional("state"), "'state'") ?? ServerYaml.DefaultBindings;
        return new DispatchConfig(pools, labels, bindings, state, values.Truth(section.Optional("set-kernel"), "'set-kernel'") ?? true);
    }

    private ImmutableArray<DispatchPool> ReadPools(Section dispatch)
    {
        var pools = ImmutableArray.CreateBuilder<DispatchPool>();
        var reader = new PoolPrefixReader(bag);
        if (dispatch.Required("pools", "name the pools of prefixes that services are reached at") is not { } node)
        {
            return [];
        }

        foreach (var entry in values.Named(node, "'pools'"))
        {
            var isNamed = values.Name(entry.Key, "pool");
            var owner = $"pool '{Quoted.Short(entry.Key.Text)}'";
            if (Section.Open(bag, entry.Value, entry.Key.Place, owner, ServerKeys.Pool) is not { } section)
            {
                continue;
            }

            var prefixes = reader.ReadAll(section, owner);
            foreach (var prefix in prefixes)
            {
                places.DispatchPrefixes.Add((prefix, section.KeyPlace("prefixes")));
                if (pools.FirstOrDefault(p => p.Prefixes.Any(q => q.Overlaps(prefix))) is { } other)
                {
                    bag.Error(section.KeyPlace("prefixes"), $"{prefix} overlaps {other.Prefixes.First(q => q.Overlaps(prefix))} of pool '{other.Name}'");
                }
            }

            var announce = values.Word(
                section.Optional("announce"), "'announce'", ("served", AnnounceWhen.Served), ("always", AnnounceWhen.Always), ("never", AnnounceWhen.Never));
            if (isNamed)
            {
                pools.Add(new DispatchPool(entry.Key.Text, prefixes, announce ?? AnnounceWhen.Served));
            }
        }

        return pools.ToImmutable();
    }

    private ImmutableArray<LabelRights> ReadLabels(Section dispatch)
    {
        var labels = ImmutableArray.CreateBuilder<LabelRights>();
        foreach (var entry in values.Named(dispatch.Optional("labels"), "'labels'"))
        {
            var label = ReadLabel(entry.Key);
            if (Section.Open(bag, entry.Value, entry.Key.Place, $"label '{Quoted.Short(entry.Key.Text)}'", ServerKeys.Label) is not { } section)
            {
                continue;
            }

            var (users, groups) = (ReadNames(section, "users"), ReadNames(section, "groups"));
            if (users.IsEmpty && groups.IsEmpty && section.Optional("users") is null or YamlList && section.Optional("groups") is null or YamlList)
            {
                bag.Error(entry.Key.Place, $"nobody may register for label '{entry.Key.Text}'", "list users or groups that may");
            }

            if (label is not null)
            {
                labels.Add(new LabelRights(label, users, groups));
            }
        }

        return labels.ToImmutable();
    }

    private Label? ReadLabel(YamlNode? node)
    {
        if (values.Text(node, "'label'") is not { } text)
        {
            return null;
        }

        if (Label.TryParse(text, out var label))
        {
            return label;
        }

        bag.Error(node!.Place, $"'{Quoted.Short(text)}' is not a label: 1 to {Label.MaxLength} letters, digits, '-', '_' and '.', the first a letter or a digit");
        return null;
    }

    private ImmutableArray<string> ReadNames(Section section, string key)
    {
        var names = ImmutableArray.CreateBuilder<string>();
        foreach (var item in values.List(section.Optional(key), $"'{key}'") ?? [])
        {
            if (values.Text(item, $"an entry of '{key}'") is { } name)
            {
                names.Add(name);
            }
        }

        return names.ToImmutable();
    }

    private ImmutableArray<Binding> ReadBindings(Section dispatch, ImmutableArray<DispatchPool> pools, ImmutableArray<LabelRights> labels)
    {
        var read = new List<(Binding Binding, Place Place)>();
        foreach (var item in values.List(dispatch.Optional("bindings"), "'bindings'") ?? [])
        {
            if (Section.Open(bag, item, item.Place, "a binding", ServerKeys.Binding) is not { } section)
            {
                continue;
            }

            var labelNode = section.Required("label");
            var label = ReadLabel(labelNode);
            var protocol = values.Word(section.Required("protocol", "write tcp or udp"), "'protocol'", ("tcp", DispatchProtocol.Tcp), ("udp", DispatchProtocol.Udp));
            var prefixNode = section.Required("prefix", "write a prefix of a pool, or a part of it");
            var prefix = prefixNode is null ? null : new PoolPrefixReader(bag).Read(prefixNode);
            var ports = ReadPorts(section);
            if (prefix is { } known && !pools.IsEmpty && !pools.Any(p => p.Prefixes.Any(q => q.Contains(known))))
            {
                bag.Error(prefixNode!.Place, $"{known} lies in no pool of 'dispatch'", $"the pools: {string.Join(", ", pools.SelectMany(p => p.Prefixes).Order())}");
            }

            if (label is not null && labels.All(l => l.Label != label))
            {
                bag.Error(labelNode!.Place, $"label '{label}' is not in 'labels': nobody could register a socket for it", bag.Nearest.Hint(label.ToString(), labels.Select(l => l.Label.ToString())));
            }

            if (label is not null && protocol is { } kind && prefix is { } bound)
            {
                read.AddRange(ports.Select(p => (new Binding(label, kind, bound, p), item.Place)));
            }
        }

        var sorted = read.OrderBy(r => r.Binding).ThenBy(r => r.Place.Line).ThenBy(r => r.Place.Column).ToList();
        foreach (var problem in BindingProblem.Collisions([.. sorted.Select(r => r.Binding)]))
        {
            bag.Error(sorted.Last(r => r.Binding == problem.Binding).Place, problem.Message);
        }

        return [.. sorted.Select(r => r.Binding)];
    }

    private List<PortRange> ReadPorts(Section section)
    {
        var node = section.Required("ports", "write a port, a range like 8000-8100, any, or a list of ports and ranges");
        var ports = new List<PortRange>();
        foreach (var item in node is YamlList list ? list.Items : node is null ? [] : [node])
        {
            if (values.Text(item, "'ports'") is not { } text)
            {
                continue;
            }

            if (Binding.TryParsePorts(text, out var range))
            {
                ports.Add(range);
            }
            else
            {
                bag.Error(item.Place, $"'{Quoted.Short(text)}' is neither a port, nor a range like 8000-8010, nor any; ports are 1 to 65535");
            }
        }

        if (node is YamlList { Items.Count: 0 })
        {
            bag.Error(node.Place, "'ports' is empty: nothing would be bound", "write any for all of them");
        }

        return ports;
    }
}
