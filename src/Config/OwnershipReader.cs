using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>Something read, with its place; not granted if the fleet does not let it count.</summary>
internal readonly record struct Placed<T>(T Value, Place Place, bool Granted);

/// <summary>Reads who owns the blocks and slices of one pool's addresses.</summary>
/// <param name="sliceSize">Null if it could not be read: then nothing is measured by it.</param>
internal sealed class OwnershipReader(DiagnosticBag bag, SliceSize? sliceSize, FleetGrants grants)
{
    private readonly Values values = new(bag);
    private readonly SliceSize size = sliceSize ?? default;

    public List<Placed<OwnedBlock>> Blocks { get; } = [];

    public List<Placed<OwnedSlice>> Slices { get; } = [];

    public void ReadAddress(YamlEntry entry, IpAddress address)
    {
        var granted = grants.Address(entry.Key.Place, address);
        foreach (var datacenter in values.Named(entry.Value, $"'{address}'"))
        {
            values.Name(datacenter.Key, "datacenter");
            var counts = granted && grants.Datacenter(datacenter.Key.Place, datacenter.Key.Text);
            if (datacenter.Value is YamlList list)
            {
                foreach (var item in list.Items)
                {
                    ReadBlock(item, item.Place, address, datacenter.Key.Text, counts);
                }
            }
            else
            {
                ReadBlock(datacenter.Value, datacenter.Key.Place, address, datacenter.Key.Text, counts);
            }
        }
    }

    private void ReadBlock(YamlNode node, Place at, IpAddress address, string datacenter, bool granted)
    {
        if (Section.Open(bag, node, at, $"the block of datacenter '{Quoted.Short(datacenter)}'", AssignmentKeys.Block) is not { } section)
        {
            return;
        }

        var portsNode = section.Required("ports");
        var ports = Ports(portsNode, "'ports'");
        if (sliceSize is not null && ports is { } range && (range.First % size.PortCount != 0 || (range.Last + 1) % size.PortCount != 0))
        {
            bag.Error(portsNode!.Place, $"{range} cuts a slice of {size} ports apart", $"did you mean {Whole(range)}?");
            ports = null;
        }

        if (ports is { } block)
        {
            Blocks.Add(new(new OwnedBlock(new AddressPorts(address, block), datacenter), portsNode!.Place, granted));
        }

        if (!section.Has("servers"))
        {
            return;
        }

        foreach (var server in values.Named(section.Optional("servers"), "'servers'"))
        {
            values.Name(server.Key, "server");
            var counts = granted && grants.Server(server.Key.Place, server.Key.Text, datacenter);
            foreach (var item in values.List(server.Value, $"the value of '{Quoted.Short(server.Key.Text)}'") ?? [])
            {
                ReadSlice(item, address, ports, server.Key.Text, counts);
            }
        }
    }

    private void ReadSlice(YamlNode item, IpAddress address, PortRange? block, string server, bool granted)
    {
        if (Ports(item, "a slice") is not { } ports)
        {
            return;
        }

        if (sliceSize is null)
        {
            // The size is what is wrong, and reported; no slice can be judged without it.
            return;
        }

        if (!size.IsSlice(ports))
        {
            bag.Error(item.Place, $"{ports} is no slice of {size} ports", $"did you mean {size.PortsOf(size.IndexOf(ports.First))}?");
        }
        else if (block is { } known && !known.Contains(ports))
        {
            bag.Error(item.Place, $"slice {ports} lies outside the block {known} that it stands under");
        }
        else
        {
            var slice = new AddressPorts(address, ports);
            Slices.Add(new(new OwnedSlice(slice, server), item.Place, granted && grants.Slice(item.Place, slice)));
        }
    }

    private PortRange? Ports(YamlNode? node, string what)
    {
        if (values.Text(node, what) is not { } text)
        {
            return null;
        }

        if (PortRange.TryParse(text, out var ports) && text.Contains('-', StringComparison.Ordinal))
        {
            return ports;
        }

        bag.Error(node!.Place, $"{what} is FIRST-LAST with ports from 0 to 65535, not '{Quoted.Short(text)}'");
        return null;
    }

    private PortRange Whole(PortRange range) => new(size.PortsOf(size.IndexOf(range.First)).First, size.PortsOf(size.IndexOf(range.Last)).Last);
}
