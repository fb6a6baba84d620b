using SoftUnicast.Egress.Abi;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Host;
using SoftUnicast.Linux.Tests.Net;

namespace SoftUnicast.Linux.Tests.Choose;

/// <summary>A chooser that outlives the process that made it.</summary>
public class ChoosePinningTests
{
    private const string Slice = "192.0.2.1:2048-4095";

    [Fact]
    public async Task A_restart_adopts_policies_and_swaps_the_programs_while_a_program_keeps_connecting()
    {
        using var lab = new ChooseLab();
        Assert.False(lab.Chooser.IsAdopted);
        lab.SetPolicy(Slice);
        lab.Program.Ask("start_connecting('198.51.100.1')");

        for (var restart = 1ul; restart <= 10; restart++)
        {
            await Eventually.True(() => lab.Counts[Choice.Tcp] > restart * 50, () => lab.Counts.ToString());
            lab.Restart();
            Assert.True(lab.Chooser.IsAdopted);
            Assert.Equal(ChooseLab.Policy(Slice), lab.Chooser.ReadPolicies()[lab.Enrolled.Id]);
        }

        var seen = lab.Program.AskMany("stop_connecting()");
        Assert.All(seen, name => ChooseLab.AssertWithin(Slice, name));
        Assert.Equal((ulong)seen.Length, lab.Counts[Choice.Tcp]);
    }

    [Fact]
    public void With_nobody_there_the_chooser_runs_on()
    {
        using var lab = new ChooseLab();
        lab.SetPolicy(Slice);
        lab.Chooser.Dispose();

        ChooseLab.AssertWithin(Slice, lab.Program.Ask("connect('tcp', '198.51.100.1')"));

        using (var look = PinnedChooser.OpenReadOnly(lab.Pins))
        {
            Assert.Equal(1ul, look.ReadCounters(lab.Enrolled.Id)[Choice.Tcp]);
            Assert.Equal(ChooseLab.Policy(Slice), Assert.Single(look.ReadPolicies()).Value);
            Assert.Throws<BpfException>(() => look.RemovePolicy(lab.Enrolled.Id));
        }

        lab.Restart();
    }

    [Theory]
    [InlineData("bpftool", "link", "detach", "pinned")]
    [InlineData("rm")]
    public async Task A_program_that_somebody_took_away_is_missed_and_attached_again(params string[] command)
    {
        using var lab = new ChooseLab();
        lab.SetPolicy(Slice);
        Assert.True(PinnedChooser.IsAttached(lab.Pins));

        NetNamespace.Run(command[0], [.. command[1..], Path.Combine(lab.Pins, "choose/v1/link_connect4")]);
        Assert.False(PinnedChooser.IsAttached(lab.Pins));
        if (command[0] == "rm")
        {
            // The kernel frees the pin after a grace period; what is detached is gone at once.
            var name = "";
            await Eventually.True(
                () => (name = lab.Program.Ask("connect('tcp', '198.51.100.1')")).StartsWith($"{ChooseLab.Own}:", StringComparison.Ordinal), () => name);
        }

        Assert.Equal(ChooseLab.Own, ChooseLab.AddressOf(lab.Program.Ask("connect('tcp', '198.51.100.1')")));

        lab.Restart();
        Assert.True(PinnedChooser.IsAttached(lab.Pins));
        ChooseLab.AssertWithin(Slice, lab.Program.Ask("connect('tcp', '198.51.100.1')"));
    }

    [Fact]
    public void A_pinned_map_of_another_shape_is_refused_with_the_next_step()
    {
        using var lab = new ChooseLab();
        lab.Chooser.Dispose();
        File.Delete(Path.Combine(lab.Pins, "choose/v1/su_choice_counters"));
        File.Move(Path.Combine(lab.Pins, "choose/v1/su_claims"), Path.Combine(lab.Pins, "choose/v1/su_choice_counters"));

        var refusal = Assert.Throws<PinnedStateException>(() => PinnedChooser.LoadOrAdopt(lab.Pins));

        Assert.StartsWith($"the pinned map {lab.Pins}/choose/v1/su_choice_counters is another one (type 2, 65536 x 8 bytes", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("'softunicastc down'", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Removing_takes_everything_away_and_may_be_done_again()
    {
        using var lab = new ChooseLab();
        lab.SetPolicy(Slice);
        ChooseLab.AssertWithin(Slice, lab.Program.Ask("connect('tcp', '198.51.100.1')"));

        Assert.True(PinnedChooser.Remove(lab.Pins));

        Assert.False(Directory.Exists(lab.Pins));
        Assert.Equal(ChooseLab.Own, ChooseLab.AddressOf(lab.Program.Ask("connect('tcp', '198.51.100.1')")));
        Assert.Equal("2", lab.Program.Ask("echo()"));
        Assert.False(PinnedChooser.Remove(lab.Pins));
        var refusal = Assert.Throws<PinnedStateException>(() => PinnedChooser.OpenReadOnly(lab.Pins));
        Assert.EndsWith("the port chooser is not loaded", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Policies_are_read_back_as_they_were_set()
    {
        using var lab = new ChooseLab();
        var policy = ChooseLab.Policy("192.0.2.9:4096-6143", "192.0.2.1:2048-2303", "192.0.2.9:2048-4095");
        lab.Chooser.SetPolicy(lab.Enrolled.Id, policy);
        lab.Chooser.SetPolicy(Cgroup.Root().Id + 1_000_000, ChooseLab.Policy(Slice));

        var policies = lab.Chooser.ReadPolicies();

        Assert.Equal(2, policies.Count);
        Assert.Equal(policy, policies[lab.Enrolled.Id]);
        Assert.Equal("192.0.2.1:2048-2303 192.0.2.9:2048-4095 192.0.2.9:4096-6143", string.Join(' ', policies[lab.Enrolled.Id].Slices));
    }
}
