using SoftUnicast.Linux.Bpf;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Linux.Tests.Bpf;

/// <summary>Maps that outlive the process: made, adopted, refused, looked at, removed.</summary>
public class BpfPinningTests
{
    [Fact]
    public void The_first_load_makes_the_maps_and_the_next_adopts_them_with_what_they_hold()
    {
        using var pins = new BpfPins();
        using (var first = PinnedSteering.LoadOrAdopt(pins.Folder))
        {
            Assert.False(first.IsAdopted);
            first.Rows[77] = 5;
            first.Settings.Generation = 9;
        }

        using var next = PinnedSteering.LoadOrAdopt(pins.Folder);

        Assert.True(next.IsAdopted);
        Assert.Equal((5, 9ul), ((int)next.Rows[77], next.Settings.Generation));
        Assert.InRange(next.VerifiedInstructions, 1, 1999);
    }

    [Fact]
    public void A_map_that_is_missing_among_the_pins_is_made_and_the_others_kept()
    {
        using var pins = new BpfPins();
        using (var first = PinnedSteering.LoadOrAdopt(pins.Folder))
        {
            first.Settings.Generation = 9;
        }

        File.Delete(pins.Pin("su_counters"));
        using var next = PinnedSteering.LoadOrAdopt(pins.Folder);

        Assert.True(next.IsAdopted);
        Assert.Equal(9ul, next.Settings.Generation);
        Assert.True(File.Exists(pins.Pin("su_counters")));
    }

    [Fact]
    public void A_pinned_map_of_another_shape_is_refused_with_the_next_step_and_left_alone()
    {
        using var pins = new BpfPins();
        PinnedSteering.LoadOrAdopt(pins.Folder).Dispose();
        File.Delete(pins.Pin("su_counters"));
        File.Move(pins.Pin("su_endpoint_counters"), pins.Pin("su_counters"));

        var refusal = Assert.Throws<PinnedStateException>(() => PinnedSteering.LoadOrAdopt(pins.Folder));

        Assert.Contains($"the pinned map {pins.Pin("su_counters")} is another one (type 6, 32768 x 16 bytes", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("than this program needs (type 6, 25 x 16 bytes", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("'softunicastc down'", refusal.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(pins.Pin("su_counters")));
    }

    [Fact]
    public void A_folder_that_is_on_no_BPF_file_system_is_refused_with_the_mount_command()
    {
        using var pins = new BpfPins();
        var folder = Path.Combine(Path.GetTempPath(), "sulinux-nowhere", "pins");

        var refusal = Assert.Throws<PinnedStateException>(() => PinnedSteering.LoadOrAdopt(folder));

        Assert.EndsWith("mount -t bpf bpf /sys/fs/bpf", refusal.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.GetDirectoryName(folder)));
    }

    [Fact]
    public void A_folder_with_a_dot_cannot_be_made_on_bpffs_and_the_message_says_so()
    {
        using var pins = new BpfPins();

        var refusal = Assert.Throws<PinnedStateException>(() => PinnedSteering.LoadOrAdopt(pins.Folder + ".d"));

        Assert.StartsWith($"cannot make the pin folder {pins.Folder}.d", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_group_may_read_the_maps_and_others_nothing()
    {
        using var pins = new BpfPins();
        PinnedSteering.LoadOrAdopt(pins.Folder).Dispose();

        Assert.Equal("750", Mode(pins.Folder));
        Assert.Equal(("640", "640", "640"), (Mode(pins.Pin("su_tables")), Mode(pins.Pin("su_counters")), Mode(pins.Pin("su_endpoint_counters"))));
    }

    [Fact]
    public void What_is_pinned_can_be_looked_at_and_not_changed()
    {
        using var pins = new BpfPins();
        using var steering = PinnedSteering.LoadOrAdopt(pins.Folder);
        steering.Rows[77] = 5;
        steering.Settings.Generation = 9;

        using var look = PinnedSteering.OpenReadOnly(pins.Folder);
        look.Rows[77] = 6;

        Assert.Equal(9ul, look.Settings.Generation);
        Assert.Equal(5, steering.Rows[77]);
        look.ReadCounters(new SuCounter[AbiLimits.Reasons]);
        look.ReadEndpointCounters(0, new SuCounter[AbiLimits.Endpoints]);
        Assert.Throws<BpfException>(() => look.ClearEndpointCounter(2));
    }

    [Fact]
    public void There_is_nothing_to_look_at_where_nothing_is_pinned()
    {
        using var pins = new BpfPins();

        var refusal = Assert.Throws<PinnedStateException>(() => PinnedSteering.OpenReadOnly(pins.Folder));

        Assert.Equal($"nothing is pinned in {pins.Folder}/v1: the packet path is not loaded", refusal.Message);
        Assert.Empty(PinnedSteering.Attachments(pins.Folder));
    }

    [Fact]
    public void Removing_forgets_everything_and_may_be_done_again()
    {
        using var pins = new BpfPins();
        PinnedSteering.LoadOrAdopt(pins.Folder).Dispose();

        Assert.Empty(PinnedSteering.Remove(pins.Folder));
        Assert.False(Directory.Exists(pins.Folder));
        Assert.Empty(PinnedSteering.Remove(pins.Folder));
    }

    [Theory]
    [InlineData("eth0", "eth0")]
    [InlineData("eth0.10", "eth0=2E10")]
    [InlineData("bond-a_b", "bond-a_b")]
    [InlineData("a=2E", "a=3D2E")]
    [InlineData("ü", "=C3=BC")]
    public void The_name_of_a_pin_tells_the_interface(string interfaceName, string pinName)
    {
        Assert.Equal(pinName, PinFolder.Escape(interfaceName));
        Assert.Equal(interfaceName, PinFolder.Unescape(pinName));
    }

    private static string Mode(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new PlatformNotSupportedException();
        }

        return Convert.ToString((int)File.GetUnixFileMode(path), 8);
    }
}
