using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Config.Tests;

public class AssignmentYamlTests
{
    [Fact]
    public void The_example_says_who_owns_what()
    {
        var assignment = AssignmentYaml.Read("a.yaml", File.ReadAllBytes(Path.Combine(Files.Etc, "assignment.yaml"))).Value!;
        Assert.Equal(7, assignment.Generation);
        Assert.Equal(["eu-video", "us-general"], assignment.Pools.Select(p => p.Pool));
        var pool = assignment.Pool("us-general")!;
        Assert.Equal(
            ["192.0.2.1:0-65535 ams", "192.0.2.2:0-16383 fra", "192.0.2.2:16384-49151 nyc", "192.0.2.2:49152-65535 fra"],
            pool.Blocks.Select(b => $"{b.Block} {b.Datacenter}"));
        Assert.Equal(
            ["192.0.2.1:2048-4095 ams-1", "192.0.2.1:4096-6143 ams-2", "192.0.2.1:8192-10239 ams-2", "192.0.2.2:2048-4095 fra-1", "192.0.2.2:16384-18431 nyc-1"],
            pool.Slices.Select(s => $"{s.Slice} {s.Server}"));
        Assert.Equal(
            [new QuarantinedSlice(AddressPorts.Parse("192.0.2.1:6144-8191"), "ams-3", new DateTimeOffset(2026, 11, 22, 12, 0, 0, TimeSpan.Zero))],
            pool.Quarantined);
    }

    [Fact]
    public void Writing_puts_one_server_on_a_line_in_a_fixed_order()
    {
        var text = AssignmentYaml.Write(AssignmentYaml.Read("a.yaml", Files.Good("assignment-small.yaml")).Value!, Files.SmallFleet());
        Assert.Equal("""
            # Who owns what. Made by 'softunicastc plan'; the same on every server.
            assignment:
              generation: 7
            pools:
              us-general: # 192.0.2.0/24
                slice-size: 2048
                addresses:
                  192.0.2.1:
                    ams:
                      ports: 0-32767
                      servers:
                        ams-1: [2048-4095]
                        ams-2: [4096-6143]
                    fra:
                      ports: 32768-65535
                      servers:
                        fra-1: [32768-34815]
                quarantined:
                  - { slice: "192.0.2.1:6144-8191", server: ams-3, until: 2026-11-22T12:00:00Z }

            """, text);
    }

    [Fact]
    public void Nothing_assigned_round_trips() => RoundTrips(Assignment.Empty);

    [Fact]
    public void Times_round_trip_to_the_tick() => RoundTrips(new Assignment(1,
    [
        Pool("us", [], [], [new(AddressPorts.Parse("[2001:db8::]:0-1"), "ams-1", new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(2)).AddTicks(1234567))]),
    ]));

    [Fact]
    public void Names_that_other_yaml_readers_would_misread_are_quoted_and_round_trip()
    {
        var assignment = new Assignment(1, [Pool("on", [new(AddressPorts.Parse("192.0.2.1:0-65535"), "no")], [new(AddressPorts.Parse("192.0.2.1:2048-4095"), "y")], [])]);
        Assert.Contains("\"no\":", AssignmentYaml.Write(assignment), StringComparison.Ordinal);
        RoundTrips(assignment);
    }

    [Fact]
    public void Random_assignments_round_trip()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            RoundTrips(RandomAssignments.Create(new Random(seed)), $"seed {seed}");
        }
    }

    [Fact]
    public void Sixty_four_thousand_slices_load_and_round_trip()
    {
        var assignment = RandomAssignments.Large(64_000);
        Assert.Equal(64_000, assignment.Pools.Sum(p => p.Slices.Length));
        RoundTrips(assignment);
    }

    [Fact]
    public void Order_in_the_file_does_not_matter()
    {
        const string shuffled = """
            pools:
              us:
                addresses:
                  192.0.2.2: { ams: { servers: { b: [4096-6143], a: [2048-4095] }, ports: 0-65535 } }
                  192.0.2.1: { ams: [{ ports: 32768-65535 }, { ports: 0-32767 }] }
                slice-size: 2048
            assignment: { generation: 1 }
            """;
        var pool = AssignmentYaml.Read("a.yaml", shuffled).Value!.Pools.Single();
        Assert.Equal(pool.Blocks.Order(Comparer<OwnedBlock>.Create((a, b) => a.Block.CompareTo(b.Block))), pool.Blocks);
        Assert.Equal(["a", "b"], pool.Slices.Select(s => s.Server));
    }

    [Fact]
    public void What_the_fleet_does_not_grant_is_left_out_and_the_rest_stays()
    {
        var text = Files.GoodText("assignment-small.yaml").Replace("ams-1:", "ams-7:", StringComparison.Ordinal).Replace("fra:", "lon:", StringComparison.Ordinal);
        var result = AssignmentYaml.Read("a.yaml", text, Files.SmallFleet());
        Assert.Equal(2, result.Diagnostics.Length);
        var pool = result.Value!.Pools.Single();
        Assert.Equal(["ams"], pool.Blocks.Select(b => b.Datacenter));
        Assert.Equal(["ams-2"], pool.Slices.Select(s => s.Server));
        Assert.Equal(["ams-3"], pool.Quarantined.Select(q => q.FormerServer));
    }

    [Fact]
    public void Without_a_fleet_everything_is_kept()
    {
        var text = Files.GoodText("assignment-small.yaml").Replace("ams-1:", "ams-7:", StringComparison.Ordinal);
        var result = AssignmentYaml.Read("a.yaml", text);
        Assert.Empty(result.Diagnostics);
        Assert.Contains("ams-7", result.Value!.Pools.Single().Slices.Select(s => s.Server));
    }

    [Theory]
    [InlineData("slice-size: 4096")]
    [InlineData("slice-size: 1024")]
    public void A_pool_made_for_another_slice_size_owns_nothing(string size)
    {
        var text = $"assignment: {{ generation: 1 }}\npools:\n  us-general:\n    {size}\n    addresses: {{ 192.0.2.1: {{ ams: {{ ports: 0-65535 }} }} }}\n";
        var pool = AssignmentYaml.Read("a.yaml", text, Files.SmallFleet()).Value!.Pools.Single();
        Assert.Empty(pool.Blocks);
    }

    [Fact]
    public void A_pool_that_only_has_quarantine_left_is_no_warning_when_the_fleet_lost_it()
    {
        const string text = "assignment: { generation: 1 }\npools:\n  gone:\n    slice-size: 2048\n    quarantined: [{ slice: \"198.51.100.1:2048-4095\", server: x, until: 2026-11-22T12:00:00Z }]\n";
        Assert.Empty(AssignmentYaml.Read("a.yaml", text, Files.SmallFleet()).Diagnostics);
        Assert.Single(AssignmentYaml.Read("a.yaml", text).Value!.Pools.Single().Quarantined);
    }

    [Fact]
    public void A_slice_outside_every_block_cannot_be_written() => Assert.Throws<ArgumentException>(() => AssignmentYaml.Write(new Assignment(1,
    [
        Pool("us", [new(AddressPorts.Parse("192.0.2.1:0-32767"), "ams")], [new(AddressPorts.Parse("192.0.2.1:32768-34815"), "ams-1")], []),
    ])));

    [Fact]
    public void Slices_out_of_order_cannot_be_written() => Assert.Throws<ArgumentException>(() => AssignmentYaml.Write(new Assignment(1,
    [
        Pool("us", [new(AddressPorts.Parse("192.0.2.1:0-65535"), "ams")],
            [new(AddressPorts.Parse("192.0.2.1:4096-6143"), "ams-1"), new(AddressPorts.Parse("192.0.2.1:2048-4095"), "ams-1")], []),
    ])));

    [Fact]
    public void Pools_out_of_order_bad_names_and_negative_generations_cannot_be_written()
    {
        Assert.Throws<ArgumentException>(() => AssignmentYaml.Write(new Assignment(1, [Pool("b", [], [], []), Pool("a", [], [], [])])));
        Assert.Throws<ArgumentException>(() => AssignmentYaml.Write(new Assignment(1, [Pool("A b", [], [], [])])));
        Assert.Throws<ArgumentException>(() => AssignmentYaml.Write(new Assignment(-1, [])));
    }

    private static PoolAssignment Pool(string name, ImmutableArray<OwnedBlock> blocks, ImmutableArray<OwnedSlice> slices, ImmutableArray<QuarantinedSlice> quarantined) =>
        new(name, default, blocks, slices, quarantined);

    private static void RoundTrips(Assignment assignment, string context = "")
    {
        var text = AssignmentYaml.Write(assignment);
        var result = AssignmentYaml.Read("a.yaml", text);
        Assert.True(result.Diagnostics.IsEmpty, context + "\n" + DiagnosticText.Render(result.Diagnostics));
        var read = result.Value!;
        Assert.Equal(assignment.Generation, read.Generation);
        Assert.Equal(assignment.Pools.Select(p => (p.Pool, p.SliceSize)), read.Pools.Select(p => (p.Pool, p.SliceSize)));
        foreach (var (expected, actual) in assignment.Pools.Zip(read.Pools))
        {
            Assert.True(expected.Blocks.SequenceEqual(actual.Blocks), context);
            Assert.True(expected.Slices.SequenceEqual(actual.Slices), context);
            Assert.True(expected.Quarantined.SequenceEqual(actual.Quarantined), context);
        }

        Assert.Equal(text, AssignmentYaml.Write(read));
    }
}
