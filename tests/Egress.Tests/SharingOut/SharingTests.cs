using System.Collections.Immutable;
using SoftUnicast.Egress.Life;
using SoftUnicast.Egress.SharingOut;
using SoftUnicast.Egress.Tests.Support;
using SoftUnicast.Model;

namespace SoftUnicast.Egress.Tests.SharingOut;

public sealed class SharingTests
{
    private static readonly ImmutableArray<EgressPool> Pools =
    [
        Samples.MakePool("de-cdn", "203.0.113.0/24", ("country", "DE"), ("product", "cdn")),
        Samples.MakePool("us-cdn", "198.51.100.0/24", ("country", "US"), ("product", "cdn")),
        Samples.MakePool("us-general", "192.0.2.0/24", ("country", "US")),
    ];

    /// <summary>Slices on hand (<c>!</c>: drained; a number: percent used), what is asked, what is answered (<c>*</c>: taken now).</summary>
    public static TheoryData<string, string, string, SliceUse, string> Choices => new()
    {
        { "the first request takes a slice", "192.0.2.7:2048-4095", "us-general", SliceUse.Exec, "192.0.2.7:2048-4095*" },
        { "the first request takes one slice, not all", "192.0.2.7:2048-4095 192.0.2.7:4096-6143", "us-general", SliceUse.Exec, "192.0.2.7:2048-4095*" },
        { "the second one gets the same", "192.0.2.7:2048-4095=exec 192.0.2.7:4096-6143", "us-general", SliceUse.Exec, "192.0.2.7:2048-4095" },
        { "another use takes another one", "192.0.2.7:2048-4095=exec 192.0.2.7:4096-6143", "us-general", SliceUse.Nat, "192.0.2.7:4096-6143*" },
        { "not before it is 75 % full", "192.0.2.7:2048-4095=exec,74.9 192.0.2.7:4096-6143", "us-general", SliceUse.Exec, "192.0.2.7:2048-4095" },
        { "one more at 75 %", "192.0.2.7:2048-4095=exec,75 192.0.2.7:4096-6143", "us-general", SliceUse.Exec, "192.0.2.7:2048-4095 192.0.2.7:4096-6143*" },
        { "none more while one is not so full", "192.0.2.7:2048-4095=exec,99 192.0.2.7:4096-6143=exec,3 192.0.2.8:2048-4095", "us-general", SliceUse.Exec, "192.0.2.7:2048-4095 192.0.2.7:4096-6143" },
        { "full and none left: what there is", "192.0.2.7:2048-4095=exec,100 192.0.2.7:4096-6143=nat", "us-general", SliceUse.Exec, "192.0.2.7:2048-4095" },
        { "one more comes from the address that serves the use least", "192.0.2.7:2048-4095=exec,90 192.0.2.7:4096-6143 192.0.2.8:2048-4095", "us-general", SliceUse.Exec, "192.0.2.7:2048-4095 192.0.2.8:2048-4095*" },
        { "an address's slices stand together", "192.0.2.8:2048-4095=exec 192.0.2.7:4096-6143=exec 192.0.2.8:4096-6143=exec 192.0.2.7:2048-4095=exec", "us-general", SliceUse.Exec, "192.0.2.7:2048-4095 192.0.2.7:4096-6143 192.0.2.8:2048-4095 192.0.2.8:4096-6143" },
        { "a range goes to the emptiest address, and there to the emptiest slice", "192.0.2.7:2048-4095=range,40 192.0.2.7:4096-6143=range,30 192.0.2.8:2048-4095=range,50 192.0.2.8:4096-6143=range,20", "us-general", SliceUse.Range, "192.0.2.8:4096-6143 192.0.2.8:2048-4095 192.0.2.7:4096-6143 192.0.2.7:2048-4095" },
        { "what drains is not handed out", "192.0.2.7:2048-4095=exec! 192.0.2.7:4096-6143=exec", "us-general", SliceUse.Exec, "192.0.2.7:4096-6143" },
        { "another pool's is not", "198.51.100.7:2048-4095=exec 192.0.2.7:4096-6143", "us-general", SliceUse.Exec, "192.0.2.7:4096-6143*" },
        { "a tag may mean several pools", "198.51.100.7:2048-4095=exec 192.0.2.7:4096-6143=exec 203.0.113.7:2048-4095=exec", "country=US", SliceUse.Exec, "192.0.2.7:4096-6143 198.51.100.7:2048-4095" },
        { "every tag must match", "198.51.100.7:2048-4095=exec 192.0.2.7:4096-6143=exec 203.0.113.7:2048-4095=exec", "country=US product=cdn", SliceUse.Exec, "198.51.100.7:2048-4095" },
    };

    [Theory]
    [MemberData(nameof(Choices))]
    public void A_request_gets_these_slices(string rule, string onHand, string asked, SliceUse use, string expected)
    {
        var shared = Choose(onHand, asked, use);
        Assert.True(shared.Error is null, rule);
        Assert.Equal(expected, string.Join(' ', shared.Slices.Select(s => s == shared.Taken ? $"{s}*" : $"{s}")));
        Assert.Equal(shared.Slices.Select(s => Pools.Single(p => p.MayAssign(s)).Name).Distinct().Order(), shared.Pools);
    }

    public static TheoryData<string, string, SharingErrorKind, string> Refusals => new()
    {
        { "", "us-genral", SharingErrorKind.UnknownPool, "there is no pool 'us-genral': did you mean 'us-general'?; the pools are de-cdn, us-cdn, us-general" },
        { "", "elsewhere", SharingErrorKind.UnknownPool, "there is no pool 'elsewhere'; the pools are de-cdn, us-cdn, us-general" },
        { "", "contry=US", SharingErrorKind.UnknownTag, "no pool has a tag 'contry': did you mean 'country'?; the tags are country, product" },
        { "", "owner=me", SharingErrorKind.UnknownTag, "no pool has a tag 'owner'; the tags are country, product" },
        { "", "country=FR", SharingErrorKind.NoPoolWithTags, "no pool has country=FR; there is country DE, US" },
        { "", "product=cnd", SharingErrorKind.NoPoolWithTags, "no pool has product=cnd; there is product cdn" },
        { "", "us-general", SharingErrorKind.NoSliceHere, "pool us-general has no slice on this server" },
        { "203.0.113.7:2048-4095", "country=US", SharingErrorKind.NoSliceHere, "pools us-cdn, us-general have no slice on this server" },
        { "192.0.2.7:2048-4095! 192.0.2.7:4096-6143?", "us-general", SharingErrorKind.NoneOpen, "no slice of pool us-general is open on this server: 1 draining, 1 in quarantine" },
        { "192.0.2.7:4096-6143=range 192.0.2.7:2048-4095=nat", "us-general", SharingErrorKind.NoneForUse, "no slice of pool us-general is left for exec on this server: 192.0.2.7:2048-4095 serves nat, 192.0.2.7:4096-6143 serves range" },
        { "192.0.2.7:2048-4095 refuse", "us-general", SharingErrorKind.Refused, "no slice is handed out on this server: the guard is not attached to eth0" },
        { "192.0.2.7:2048-4095 refuse", "us-genral", SharingErrorKind.UnknownPool, "there is no pool 'us-genral': did you mean 'us-general'?; the pools are de-cdn, us-cdn, us-general" },
        { "192.0.2.7:2048-4095~", "us-general", SharingErrorKind.NoSliceHere, "every slice of pool us-general on this server is drained" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void A_request_without_slices_is_told_why(string onHand, string asked, SharingErrorKind kind, string message)
    {
        var shared = Choose(onHand, asked, SliceUse.Exec);
        Assert.Equal(new SharingError(kind, message), shared.Error);
        Assert.Empty(shared.Slices);
        Assert.Null(shared.Taken);
    }

    [Fact]
    public void Tags_that_no_pool_has_together_are_named()
    {
        var pools = Pools.Add(Samples.MakePool("fr-mail", "100.64.0.0/24", ("country", "FR"), ("product", "mail")));
        var shared = Sharing.Choose(new SlicesOnHand(pools, [], null), SliceSelection.ByTags(new Dictionary<string, string> { ["product"] = "mail", ["country"] = "US" }), SliceUse.Exec);
        Assert.Equal(new SharingError(SharingErrorKind.NoPoolWithTags, "no pool has country=US and product=mail together"), shared.Error);
    }

    private static SharedOut Choose(string onHand, string asked, SliceUse use)
    {
        var words = onHand.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToList();
        var refusal = words.Remove("refuse") ? "the guard is not attached to eth0" : null;
        var selection = asked.Contains('=', StringComparison.Ordinal)
            ? SliceSelection.ByTags(asked.Split(' ').Select(t => t.Split('=')).Select(t => KeyValuePair.Create(t[0], t[1])))
            : SliceSelection.ByPool(asked);
        return Sharing.Choose(new SlicesOnHand(Pools, [.. words.Select(Read)], refusal), selection, use);
    }

    private static SliceOnHand Read(string word)
    {
        var parts = word.TrimEnd('!', '?', '~').Split('=', ',');
        var slice = AddressPorts.Parse(parts[0]);
        var state = new SliceState(slice, Pools.Single(p => p.MayAssign(slice)).Name)
        {
            Phase = word[^1] switch { '!' => SlicePhase.Draining, '?' => SlicePhase.Quarantined, '~' => SlicePhase.Free, _ => SlicePhase.Owned },
            DrainAsked = word[^1] == '~',
            Use = parts.Length > 1 ? Enum.Parse<SliceUse>(parts[1], ignoreCase: true) : SliceUse.None,
        };
        return new SliceOnHand(state, parts.Length > 2 ? double.Parse(parts[2], System.Globalization.CultureInfo.InvariantCulture) : 0);
    }
}
