using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Host;
using SoftUnicast.Linux.Tests.Net;

namespace SoftUnicast.Linux.Tests.Bpf;

/// <summary>The program on interfaces: taken, kept, swapped, refused, left.</summary>
public class BpfAttachmentTests
{
    [Fact]
    public void A_restart_swaps_the_program_in_its_place_and_a_second_attach_does_nothing()
    {
        using var pins = new BpfPins();
        using var net = Veth();
        using var before = PinnedSteering.LoadOrAdopt(pins.Folder);
        var taken = net.Within(() => before.Attach("su0", XdpMode.Auto));
        Assert.Equal((AttachmentChange.Attached, XdpMode.Native, before.ProgramId, net.IndexOf("su0")), (taken.Change, taken.Mode, taken.ProgramId, taken.InterfaceIndex));

        using var after = PinnedSteering.LoadOrAdopt(pins.Folder);
        var swapped = net.Within(() => after.Attach("su0", XdpMode.Auto));
        var again = net.Within(() => after.Attach("su0", XdpMode.Auto));

        Assert.Equal((AttachmentChange.Swapped, after.ProgramId), (swapped.Change, swapped.ProgramId));
        Assert.NotEqual(before.ProgramId, after.ProgramId);
        Assert.Equal(AttachmentChange.None, again.Change);
        Assert.Equal(after.ProgramId, Assert.Single(net.Within(after.Attachments)).ProgramId);
    }

    [Fact]
    public void The_program_runs_on_when_the_process_lets_go()
    {
        using var pins = new BpfPins();
        using var net = Veth();
        using (var steering = PinnedSteering.LoadOrAdopt(pins.Folder))
        {
            net.Within(() => steering.Attach("su0", XdpMode.Native));
        }

        var attachment = Assert.Single(net.Within(() => PinnedSteering.Attachments(pins.Folder)));

        Assert.Equal(("su0", XdpMode.Native), (attachment.InterfaceName, attachment.Mode));
        Assert.NotEqual(0u, attachment.ProgramId);
    }

    [Fact]
    public void A_foreign_program_is_named_and_not_stolen()
    {
        using var pins = new BpfPins();
        using var others = new BpfPins();
        using var net = Veth();
        using var other = PinnedSteering.LoadOrAdopt(others.Folder);
        using var steering = PinnedSteering.LoadOrAdopt(pins.Folder);
        net.Within(() => other.Attach("su0", XdpMode.Native));

        var refusal = Assert.IsType<ForeignProgramException>(Assert.Throws<InvalidOperationException>(
            () => net.Within(() => steering.Attach("su0", XdpMode.Auto))).InnerException);

        Assert.Equal(("su0", other.ProgramId, "su_steer"), (refusal.InterfaceName, refusal.ProgramId, refusal.ProgramName));
        Assert.StartsWith($"su0 already runs XDP program {other.ProgramId} (su_steer), which is not ours; it stays.", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(PinnedSteering.Attachments(pins.Folder));
        Assert.Equal(other.ProgramId, Assert.Single(net.Within(other.Attachments)).ProgramId);
    }

    [Fact]
    public void An_interface_that_was_deleted_and_made_again_is_attached_again()
    {
        using var pins = new BpfPins();
        using var net = Veth();
        using var steering = PinnedSteering.LoadOrAdopt(pins.Folder);
        net.Within(() => steering.Attach("su0", XdpMode.Native));

        net.Ip("link del su0");
        var gone = Assert.Single(net.Within(steering.Attachments));
        Assert.Equal((0, 0u, XdpMode.Auto), (gone.InterfaceIndex, gone.ProgramId, gone.Mode));

        net.Ip("link add su0 type veth peer name su1");
        var back = net.Within(() => steering.Attach("su0", XdpMode.Native));

        Assert.Equal((AttachmentChange.Attached, net.IndexOf("su0")), (back.Change, back.InterfaceIndex));
        Assert.Equal(steering.ProgramId, Assert.Single(net.Within(steering.Attachments)).ProgramId);
    }

    [Fact]
    public void The_pin_of_an_interface_that_is_gone_can_be_taken_away()
    {
        using var pins = new BpfPins();
        using var net = Veth();
        using var steering = PinnedSteering.LoadOrAdopt(pins.Folder);
        net.Within(() => steering.Attach("su0", XdpMode.Native));
        net.Ip("link del su0");

        Assert.True(steering.Detach("su0"));
        Assert.False(steering.Detach("su0"));
        Assert.Empty(net.Within(steering.Attachments));
    }

    [Fact]
    public void A_renamed_interface_keeps_its_program_and_its_pin_follows()
    {
        using var pins = new BpfPins();
        using var net = Veth();
        using var steering = PinnedSteering.LoadOrAdopt(pins.Folder);
        net.Within(() => steering.Attach("su0", XdpMode.Native));
        net.Ip("link set su0 down");
        net.Ip("link set su0 name su0.7");

        var attachment = net.Within(() => steering.Attach("su0.7", XdpMode.Native));

        Assert.Equal(AttachmentChange.None, attachment.Change);
        Assert.Equal("su0.7", Assert.Single(net.Within(steering.Attachments)).InterfaceName);
        Assert.True(File.Exists(pins.Pin("link_su0=2E7")));
    }

    [Fact]
    public void Another_mode_is_another_attachment_and_auto_keeps_what_there_is()
    {
        using var pins = new BpfPins();
        using var net = Veth();
        using var steering = PinnedSteering.LoadOrAdopt(pins.Folder);

        var generic = net.Within(() => steering.Attach("su0", XdpMode.Generic));
        var kept = net.Within(() => steering.Attach("su0", XdpMode.Auto));
        var native = net.Within(() => steering.Attach("su0", XdpMode.Native));

        Assert.Equal((XdpMode.Generic, AttachmentChange.Attached), (generic.Mode, generic.Change));
        Assert.Equal((XdpMode.Generic, AttachmentChange.None), (kept.Mode, kept.Change));
        Assert.Equal((XdpMode.Native, AttachmentChange.Attached), (native.Mode, native.Change));
        Assert.Equal(XdpMode.Native, Assert.Single(net.Within(steering.Attachments)).Mode);
    }

    [Fact]
    public void Auto_falls_back_to_generic_where_the_driver_has_no_XDP_and_says_why()
    {
        using var pins = new BpfPins();
        using var net = new NetNamespace();
        using var steering = PinnedSteering.LoadOrAdopt(pins.Folder);

        var attachment = net.Within(() => steering.Attach("lo", XdpMode.Auto));

        Assert.Equal(XdpMode.Generic, attachment.Mode);
        Assert.StartsWith("bpf(BPF_LINK_CREATE, XDP Native) lo: EOPNOTSUPP", attachment.GenericBecause, StringComparison.Ordinal);
        Assert.Equal(XdpMode.Generic, Assert.Single(net.Within(steering.Attachments)).Mode);
    }

    [Fact]
    public void Native_is_refused_where_the_driver_has_no_XDP_with_the_next_step()
    {
        using var pins = new BpfPins();
        using var net = new NetNamespace();
        using var steering = PinnedSteering.LoadOrAdopt(pins.Folder);

        var refusal = Refusal(() => net.Within(() => steering.Attach("lo", XdpMode.Native)));

        Assert.Equal(Libc.EOPNOTSUPP, refusal.Errno);
        Assert.EndsWith("the driver has no XDP: use mode generic or auto", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(steering.Attachments());
    }

    [Fact]
    public void An_interface_that_does_not_exist_is_named()
    {
        using var pins = new BpfPins();
        using var steering = PinnedSteering.LoadOrAdopt(pins.Folder);

        var refusal = Assert.Throws<BpfException>(() => steering.Attach("su-none", XdpMode.Auto));

        Assert.Equal(Libc.ENODEV, refusal.Errno);
        Assert.StartsWith("RTM_GETLINK su-none: ENODEV", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Removing_frees_every_interface_and_names_it()
    {
        using var pins = new BpfPins();
        using var net = Veth();
        using var steering = PinnedSteering.LoadOrAdopt(pins.Folder);
        net.Within(() => steering.Attach("su0", XdpMode.Native));
        net.Within(() => steering.Attach("su1", XdpMode.Generic));

        Assert.Equal(["su0", "su1"], PinnedSteering.Remove(pins.Folder));
        Assert.DoesNotContain("xdp", net.Ip("link show"), StringComparison.Ordinal);
        Assert.False(Directory.Exists(pins.Folder));
    }

    [Fact]
    public void A_place_that_is_taken_cannot_be_taken_by_others_nor_switched_off()
    {
        using var pins = new BpfPins();
        using var net = Veth();
        using var steering = PinnedSteering.LoadOrAdopt(pins.Folder);
        net.Within(() => steering.Attach("su0", XdpMode.Native));

        Assert.False(net.TryIp("link set dev su0 xdp off"));
        Assert.Equal(steering.ProgramId, Assert.Single(net.Within(steering.Attachments)).ProgramId);
    }

    [Fact]
    public void A_large_MTU_does_not_keep_the_program_from_running_natively()
    {
        using var pins = new BpfPins();
        using var net = Veth();
        using var steering = PinnedSteering.LoadOrAdopt(pins.Folder);
        net.Ip("link set su0 mtu 9000");
        net.Ip("link set su1 mtu 9000");

        Assert.Equal(XdpMode.Native, net.Within(() => steering.Attach("su0", XdpMode.Auto)).Mode);
    }

    private static NetNamespace Veth()
    {
        var net = new NetNamespace();
        net.Ip("link add su0 type veth peer name su1");
        net.Ip("link set su0 up");
        net.Ip("link set su1 up");
        return net;
    }

    private static BpfException Refusal(Action action) =>
        Assert.IsType<BpfException>(Assert.Throws<InvalidOperationException>(action).InnerException);
}
