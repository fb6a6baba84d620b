using System.Text.Json;
using SoftUnicast.Model;
using static SoftUnicast.Planning.Tests.Fleets;

namespace SoftUnicast.Planning.Tests;

public sealed class PlanTextTests
{
    private static readonly Fleet Before = Make(Pool(addresses: 3, weights: [("ams", 1), ("fra", 1)]), ("ams", 3), ("fra", 1));
    private static readonly Fleet After = Before.Without("ams-2").With("fra", "fra-2").WithPools(Pool(addresses: 3, reserved: [0, 1], weights: [("ams", 1), ("fra", 3)]));

    private static string Lines(params string[] lines) => string.Concat(lines.Select(l => l + "\n"));

    private static PlanResult Change() => Planner.Plan(After, Plan(Before), Now, Quarantine);

    [Fact]
    public void A_change_is_shown_by_kind_with_reasons_and_the_pool_as_planned() => Assert.Equal(
        Lines(
            "generation 1 -> 2",
            "",
            "pool us",
            "  added: 1",
            "    + fra-2  192.0.2.1:6144-8191",
            "  removed: 1",
            "    - ams-2  192.0.2.0:4096-6143  no such server, in quarantine until 2026-11-22 12:02:00Z",
            "  moved: 2",
            "    ~ ams-1  192.0.2.0:2048-4095 -> 192.0.2.0:8192-10239  slice reserved, in quarantine until 2026-11-22 12:02:00Z",
            "    ~ fra-1  192.0.2.2:2048-4095 -> 192.0.2.1:4096-6143  slice reserved, in quarantine until 2026-11-22 12:02:00Z",
            "  changed hands: 1",
            "    192.0.2.1  ams -> fra",
            "  192.0.2.0/24, 2048 ports a slice: 4 servers, 4 of 90 slices owned (1 kept, 3 in quarantine)",
            "  3 addresses; 3 entries on the backbone",
            "    ams: weight 1, 2 servers, 2 slices, 1 addresses",
            "    fra: weight 3, 2 servers, 2 slices, 2 addresses"),
        PlanText.Render(Change()));

    [Fact]
    public void No_change_says_so()
    {
        var plan = Plan(Before);
        Assert.StartsWith(Lines("nothing changes: generation 1 stays", "", "pool us (unchanged)"), PlanText.Render(Planner.Plan(Before, plan, Now, Quarantine)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(10, "    ... and 21 more (--all shows them)")]
    [InlineData(30, "    + ams-31  192.0.2.0:63488-65535")]
    [InlineData(int.MaxValue - 1, "    + ams-31  192.0.2.0:63488-65535")]
    public void Long_groups_are_cut_unless_all_is_asked_for(int lines, string last)
    {
        var text = PlanText.Render(Planner.Plan(Make(Pool(addresses: 1, weights: [("ams", 1)]), ("ams", 31)), Assignment.Empty, Now, Quarantine), lines);
        Assert.Contains("  added: 31\n", text, StringComparison.Ordinal);
        Assert.Contains(last + "\n  changed hands: 1\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Addresses_in_a_row_are_one_line_and_parts_of_one_name_their_ports()
    {
        var whole = PlanText.Render(Planner.Plan(Make(Pool(addresses: 6, weights: [("ams", 1), ("fra", 1)]), ("ams", 1), ("fra", 1)), Assignment.Empty, Now, Quarantine));
        Assert.Contains("    192.0.2.0-192.0.2.2 (3 addresses)  none -> ams\n    192.0.2.3-192.0.2.5 (3 addresses)  none -> fra\n", whole, StringComparison.Ordinal);
        var parts = PlanText.Render(Planner.Plan(Make(Pool(addresses: 1, weights: [("ams", 1), ("fra", 1)]), ("ams", 1), ("fra", 1)), Assignment.Empty, Now, Quarantine));
        Assert.Contains("  1 addresses, 1 split between datacenters; 2 entries on the backbone\n", parts, StringComparison.Ordinal);
        Assert.Contains("    192.0.2.0:0-34815  none -> ams\n", parts, StringComparison.Ordinal);
    }

    [Fact]
    public void A_slice_size_change_is_said_first()
    {
        var text = PlanText.Render(Planner.Plan(Before.WithPools(Pool(addresses: 3, sliceSize: 1024, weights: [("ams", 1), ("fra", 1)])), Plan(Before), Now, Quarantine));
        Assert.Contains("pool us\n  slice size 2048 -> 1024: every slice moves\n  moved: 4\n", text, StringComparison.Ordinal);
        Assert.Contains("    ~ ams-1  192.0.2.0:2048-4095 -> 192.0.2.0:2048-3071  slice size changed, in quarantine until 2026-11-22 12:02:00Z\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pool_that_comes_or_goes_is_named()
    {
        var other = Pool("other", "198.51.100.0/24", addresses: 1, weights: [("ams", 1)]);
        var text = PlanText.Render(Planner.Plan(Before.WithPools(other), Plan(Before), Now, Quarantine));
        Assert.Contains("pool other (new)\n", text, StringComparison.Ordinal);
        Assert.Contains("pool us (removed)\n  removed: 4\n    - ams-1  192.0.2.0:2048-4095  address not assignable, in quarantine until 2026-11-22 12:02:00Z\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Json_says_the_same_to_programs()
    {
        using var json = JsonDocument.Parse(PlanJson.Render(Change()));
        var root = json.RootElement;
        Assert.True(root.GetProperty("planned").GetBoolean());
        Assert.True(root.GetProperty("changed").GetBoolean());
        Assert.Equal(2, root.GetProperty("generation").GetInt64());
        var pool = root.GetProperty("pools")[0];
        Assert.Equal("""{"server":"fra-2","slice":"192.0.2.1:6144-8191"}""", Compact(pool.GetProperty("added")[0]));
        Assert.Equal(
            """{"server":"ams-2","slice":"192.0.2.0:4096-6143","reason":"server-gone","quarantined_until":"2026-11-22T12:02:00+00:00"}""",
            Compact(pool.GetProperty("removed")[0]));
        Assert.Equal("slice-reserved", pool.GetProperty("moved")[0].GetProperty("reason").GetString());
        Assert.Equal("""{"block":"192.0.2.1:0-65535","from":"ams","to":"fra"}""", Compact(pool.GetProperty("blocks")[0]));
        Assert.Equal(
            """{"datacenter":"fra","weight":3,"servers":2,"slices_owned":2,"whole_addresses":2,"shared_addresses":0}""",
            Compact(pool.GetProperty("summary").GetProperty("datacenters")[1]));
    }

    [Fact]
    public void Json_of_a_refusal_carries_every_advice()
    {
        var result = Planner.Plan(Make(Pool(addresses: 1, perServer: 2, weights: [("ams", 1)]), ("ams", 20)), Assignment.Empty, Now, Quarantine);
        using var json = JsonDocument.Parse(PlanJson.Render(result, indented: false));
        Assert.False(json.RootElement.GetProperty("planned").GetBoolean());
        var error = json.RootElement.GetProperty("errors")[0];
        Assert.Equal(9, error.GetProperty("slices_missing").GetInt32());
        var advice = error.GetProperty("would_do");
        Assert.Equal("192.0.2.0-192.0.2.1", advice[0].GetProperty("addresses").GetString());
        Assert.Equal(1024, advice[1].GetProperty("slice_size").GetInt32());
        Assert.Equal(1, advice[2].GetProperty("slices_per_server").GetInt32());
    }

    private static string Compact(JsonElement element) => JsonSerializer.Serialize(element, (JsonSerializerOptions?)new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
