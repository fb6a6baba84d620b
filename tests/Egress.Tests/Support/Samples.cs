using System.Collections.Immutable;
using SoftUnicast.Egress.Life;
using SoftUnicast.Egress.SharingOut;
using SoftUnicast.Model;

namespace SoftUnicast.Egress.Tests.Support;

internal static partial class Samples
{
    public const string Server = "ams-1";
    public const string Pool = "us-general";
    public static readonly AddressPorts Slice = AddressPorts.Parse("192.0.2.7:4096-6143");
    public static readonly AddressPorts Other = AddressPorts.Parse("192.0.2.8:2048-4095");
    public static readonly Holder Curl = new(new ProcessName(4711, 360123), 1000, "curl");

    public static SliceState Free(AddressPorts? slice = null) => new(slice ?? Slice, Pool);

    public static SliceState Owned(AddressPorts? slice = null, SliceUse use = SliceUse.None, double since = 0) => Free(slice) with
    {
        Phase = SlicePhase.Owned,
        Granted = true,
        Use = use,
        Held = use != SliceUse.None,
        Since = At.Second(since),
    };

    public static Lease Lease(long id, double since = 0, params ImmutableArray<AddressPorts> slices) =>
        new(id, Curl, [Pool], slices.IsEmpty ? [Slice] : slices, SliceUse.Range, At.Second(since).Wall);

    public static EgressPool MakePool(string name, string prefix, params (string Key, string Value)[] tags)
    {
        var network = IpPrefix.Parse(prefix);
        return new EgressPool(name, network, network.Network, network.Last, tags.ToImmutableSortedDictionary(t => t.Key, t => t.Value),
            SliceSize.Create(2048), [0], 1, default, ImmutableSortedDictionary<string, int>.Empty, false, EchoPolicy.Drop);
    }
}
