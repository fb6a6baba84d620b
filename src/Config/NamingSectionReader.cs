using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>Reads <c>naming:</c> of a server's file: whether names are answered here, and how DNS servers come by it.</summary>
internal sealed class NamingSectionReader(DiagnosticBag bag, string fileName)
{
    private readonly Values values = new(bag);

    /// <returns>Null if the file has no such section: no name is answered here.</returns>
    /// <param name="longestSocketPath">What the kernel takes.</param>
    public NamingConfig? Read(Section file, int longestSocketPath)
    {
        if (file.Optional("naming") is not { } node
            || Section.Open(bag, node, file.KeyPlace("naming"), "'naming'", ServerKeys.Naming) is not { } section)
        {
            return null;
        }

        var pdns = values.AbsolutePath(section.Optional("pdns"), "'pdns'", longestSocketPath);
        var group = values.Text(section.Optional("pdns-group"), "'pdns-group'");
        if (group is not null && !section.Has("pdns"))
        {
            bag.Error(section.KeyPlace("pdns-group"), "'pdns-group' says who may use the socket of 'pdns', which is not there", "add pdns, or take it out");
        }

        return new NamingConfig(
            values.FilePath(section.Optional("file"), "'file'", fileName) ?? NamingYaml.DefaultPath,
            values.AbsolutePath(section.Optional("dnsdist"), "'dnsdist'") ?? ServerYaml.DefaultDnsdistFolder,
            pdns,
            group,
            values.AbsolutePath(section.Optional("state"), "'state'") ?? ServerYaml.DefaultNamingState,
            ReadAnnounced(section));
    }

    private ImmutableArray<IpPrefix> ReadAnnounced(Section section)
    {
        var prefixes = ImmutableArray.CreateBuilder<IpPrefix>();
        var reader = new PoolPrefixReader(bag);
        foreach (var item in values.List(section.Optional("also-announced"), "'also-announced'") ?? [])
        {
            if (reader.Read(item) is { } prefix)
            {
                prefixes.Add(prefix);
            }
        }

        return prefixes.ToImmutable();
    }
}
