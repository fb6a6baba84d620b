using SoftUnicast.Egress.Abi;
using SoftUnicast.Linux.Bpf;
using static SoftUnicast.Linux.Tests.Guard.GuardUnderTest;

namespace SoftUnicast.Linux.Tests.Guard;

/// <summary>What is the guard's own by tcx: its order among others, its pins, and the move from clsact.</summary>
public class GuardLinkTests
{
    [Fact]
    public void The_way_of_a_kernel_that_has_tcx_is_tcx_and_needs_no_clsact()
    {
        using var lab = new GuardLab(GuardWay.Tcx);

        Assert.Equal(GuardWay.Tcx, lab.Server.Within(() => lab.Guard.Attach("s0")).Way);
        Assert.Equal([lab.Guard.ProgramId], Programs(lab));
        Assert.DoesNotContain("clsact", lab.Tc("qdisc show dev s0"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_guard_is_asked_before_the_programs_that_it_found_which_stay()
    {
        using var lab = new GuardLab(GuardWay.Tcx);
        lab.Server.Within(() => lab.Guard.Detach("s0"));
        using var program = TcxProgram.Returning(TcxProgram.Pass);
        using var other = lab.Server.Within(() => BpfLink.AttachTcx(program, "s0", lab.Server.IndexOf("s0")));
        using var foreign = lab.Bound(Foreign);
        using var owned = lab.Bound(Owned);
        Assert.Equal([Foreign], lab.PortsSeen(() => GuardLab.Send(foreign)));

        Assert.Equal(AttachmentChange.Attached, lab.Server.Within(() => lab.Guard.Attach("s0")).Change);
        Assert.Equal([lab.Guard.ProgramId, program.Id], Programs(lab));
        Assert.Empty(lab.PortsSeen(() => GuardLab.Send(foreign)));
        Assert.Equal([Owned], lab.PortsSeen(() => GuardLab.Send(owned)));

        lab.LoadAgain();
        Assert.Equal(AttachmentChange.Swapped, lab.Server.Within(() => lab.Guard.Attach("s0")).Change);
        Assert.Equal([lab.Guard.ProgramId, program.Id], Programs(lab));

        lab.Server.Within(() => lab.Guard.Detach("s0"));
        Assert.Equal([program.Id], Programs(lab));
    }

    [Fact]
    public void What_the_guard_passes_is_left_to_the_programs_behind_it()
    {
        using var lab = new GuardLab(GuardWay.Tcx);
        lab.Server.Within(() => lab.Guard.Detach("s0"));
        using var program = TcxProgram.Returning(TcxProgram.Drop);
        var other = lab.Server.Within(() => BpfLink.AttachTcx(program, "s0", lab.Server.IndexOf("s0")))!;
        lab.Server.Within(() => lab.Guard.Attach("s0"));
        using var owned = lab.Bound(Owned);

        GuardLab.Send(owned);
        other.Detach();
        other.Dispose();

        Assert.Equal([Owned], lab.PortsSeen(() => GuardLab.Send(owned)));
        Assert.Equal(2ul, lab.Count(GuardReason.Owned));
    }

    [Fact]
    public void A_link_that_somebody_detached_is_missed_and_made_again()
    {
        using var lab = new GuardLab(GuardWay.Tcx);
        using var socket = lab.Bound(Foreign);
        using (var link = BpfLink.OpenPinned(Assert.Single(lab.LinkPins())))
        {
            link.Detach();
        }

        Assert.False(lab.Server.Within(() => lab.Guard.IsAttached("s0")));
        Assert.Equal([Foreign], lab.PortsSeen(() => GuardLab.Send(socket)));
        Assert.Equal(AttachmentChange.Attached, lab.Server.Within(() => lab.Guard.Attach("s0")).Change);
        Assert.Empty(lab.PortsSeen(() => GuardLab.Send(socket)));
        lab.LoadAgain();
        Assert.Equal(AttachmentChange.Swapped, lab.Server.Within(() => lab.Guard.Attach("s0")).Change);
    }

    [Fact]
    public void A_pin_that_somebody_took_away_frees_nothing_while_the_process_lives_and_is_made_again()
    {
        using var lab = new GuardLab(GuardWay.Tcx);
        using var socket = lab.Bound(Foreign);

        File.Delete(Assert.Single(lab.LinkPins()));

        Assert.Empty(lab.PortsSeen(() => GuardLab.Send(socket)));
        Assert.Equal(AttachmentChange.None, lab.Server.Within(() => lab.Guard.Attach("s0")).Change);
        lab.LoadAgain();
        Assert.Empty(lab.PortsSeen(() => GuardLab.Send(socket)));
        Assert.Equal(AttachmentChange.Swapped, lab.Server.Within(() => lab.Guard.Attach("s0")).Change);
    }

    [Fact]
    public void A_pin_that_somebody_took_away_without_the_process_is_missed_and_the_guard_put_there_again()
    {
        using var lab = new GuardLab(GuardWay.Tcx);
        using var socket = lab.Bound(Foreign);
        lab.Guard.Dispose();
        File.Delete(Assert.Single(lab.LinkPins()));
        GuardLab.Wait(() => Programs(lab).Length == 0, "the kernel lets the program go");
        lab.LoadAgain();

        Assert.Equal(AttachmentChange.Attached, lab.Server.Within(() => lab.Guard.Attach("s0")).Change);
        Assert.Empty(lab.PortsSeen(() => GuardLab.Send(socket)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_interface_that_was_made_anew_gets_the_guard_and_the_old_pin_goes(bool isAnotherInstance)
    {
        using var lab = new GuardLab(GuardWay.Tcx);
        var old = Assert.Single(lab.LinkPins());
        lab.Server.Ip("link del s0");
        Assert.False(lab.Server.Within(() => lab.Guard.IsAttached("s0")));
        lab.Server.Ip("link add s0 type bridge");
        if (isAnotherInstance)
        {
            lab.LoadAgain();
        }

        Assert.False(lab.Server.Within(() => lab.Guard.IsAttached("s0")));
        Assert.Equal(AttachmentChange.Attached, lab.Server.Within(() => lab.Guard.Attach("s0")).Change);
        Assert.Equal([lab.Guard.ProgramId], Programs(lab));
        Assert.NotEqual(old, Assert.Single(lab.LinkPins()));
    }

    [Fact]
    public void An_interface_that_was_made_anew_with_the_same_number_gets_the_guard()
    {
        using var lab = new GuardLab(GuardWay.Tcx);
        var index = lab.Server.IndexOf("s0");
        lab.Server.Ip("link del s0");
        lab.Server.Ip($"link add s0 index {index} type bridge");

        Assert.Equal(AttachmentChange.Attached, lab.Server.Within(() => lab.Guard.Attach("s0")).Change);
        Assert.Equal([lab.Guard.ProgramId], Programs(lab));
    }

    [Fact]
    public void An_interface_in_another_namespace_is_not_taken_for_one_of_the_same_number_here()
    {
        using var lab = new GuardLab(GuardWay.Tcx);
        var index = lab.Server.IndexOf("s0");
        lab.Server.Ip($"link set s0 netns {lab.Peer.Name} name moved");
        lab.Server.Ip($"link add s0 index {index} type bridge");
        uint[] ProgramsThere() => lab.Peer.Within(() => GuardLinks.ProgramsOn(lab.Peer.IndexOf("moved")));
        Assert.Equal([lab.Guard.ProgramId], ProgramsThere());

        Assert.False(lab.Server.Within(() => lab.Guard.IsAttached("s0")));
        Assert.Equal(AttachmentChange.Attached, lab.Server.Within(() => lab.Guard.Attach("s0")).Change);
        Assert.Equal([lab.Guard.ProgramId], Programs(lab));
        GuardLab.Wait(() => ProgramsThere().Length == 0, "the place that nothing keeps any more is free");
    }

    [Fact]
    public void A_renamed_interface_keeps_its_guard()
    {
        using var lab = new GuardLab(GuardWay.Tcx);
        lab.Server.Ip("link set s0 name s1");

        Assert.Equal(AttachmentChange.None, lab.Server.Within(() => lab.Guard.Attach("s1")).Change);
        Assert.True(lab.Server.Within(() => lab.Guard.Detach("s1")));
        Assert.Empty(lab.LinkPins());
    }

    [Fact]
    public void A_link_of_another_version_is_taken_over()
    {
        using var lab = new GuardLab(GuardWay.Tcx);
        var pin = Assert.Single(lab.LinkPins());
        var older = Directory.CreateDirectory(Path.Combine(lab.PinFolder, "v0")).FullName;
        File.Move(pin, Path.Combine(older, Path.GetFileName(pin)));
        lab.LoadAgain();

        Assert.Equal(AttachmentChange.Swapped, lab.Server.Within(() => lab.Guard.Attach("s0")).Change);
        Assert.Equal([pin], lab.LinkPins());
        Assert.Empty(Directory.GetFiles(older));
        Assert.Equal([lab.Guard.ProgramId], Programs(lab));
    }

    [Fact]
    public void From_clsact_the_guard_moves_to_tcx_without_one_foreign_packet_and_takes_the_clsact_that_it_made()
    {
        using var lab = new GuardLab(GuardWay.Clsact);
        using var foreign = lab.Bound(Foreign);
        using var owned = lab.Bound(Owned);
        using var stop = new CancellationTokenSource();
        var sender = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GuardLab.Send(foreign);
            }
        });
        lab.Guard.Dispose();
        Assert.Empty(lab.PortsSeen(() =>
        {
            sender.Start();
            lab.Guard = PinnedGuard.LoadOrAdopt(lab.PinFolder);
            var moved = lab.Server.Within(() =>
            {
                LinkSettings.KeepOnlyTheDaemons();
                return lab.Guard.Attach("s0");
            });
            stop.Cancel();
            sender.Join();
            Assert.Equal((AttachmentChange.Swapped, GuardWay.Tcx), (moved.Change, moved.Way));
        }));

        Assert.Equal([lab.Guard.ProgramId], Programs(lab));
        Assert.DoesNotContain("clsact", lab.Tc("qdisc show dev s0"), StringComparison.Ordinal);
        Assert.Equal(AttachmentChange.None, lab.Server.Within(() => lab.Guard.Attach("s0")).Change);
        Assert.Equal([Owned], lab.PortsSeen(() => GuardLab.Send(owned)));
    }

    [Fact]
    public void From_clsact_the_guard_moves_to_tcx_and_leaves_the_filters_of_others()
    {
        using var lab = new GuardLab(GuardWay.Clsact);
        lab.Tc("filter add dev s0 egress protocol ip prio 10 u32 match u32 0 0 flowid 1:1");
        lab.Guard.Dispose();
        lab.Guard = PinnedGuard.LoadOrAdopt(lab.PinFolder);

        Assert.Equal(GuardWay.Tcx, lab.Server.Within(() => lab.Guard.Attach("s0")).Way);
        Assert.DoesNotContain(GuardProgram.Name, lab.Tc("filter show dev s0 egress"), StringComparison.Ordinal);
        Assert.Contains("pref 10 u32", lab.Tc("filter show dev s0 egress"), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_the_packet_path_nothing_holds_the_guard_on_its_interfaces()
    {
        using var lab = new GuardLab(GuardWay.Tcx);
        lab.Guard.Dispose();
        PinnedSteering.Remove(lab.PinFolder);

        GuardLab.Wait(() => Programs(lab).Length == 0, "the kernel lets the program go");
    }

    [Fact]
    public void Who_may_not_look_at_the_place_is_told_which_right_is_missing_and_the_guard_stays()
    {
        using var lab = new GuardLab(GuardWay.Tcx);

        var refusal = Assert.IsType<BpfException>(Assert.Throws<InvalidOperationException>(() => lab.Server.Within(() =>
        {
            LinkSettings.GiveUpNetAdmin();
            return lab.Guard.Attach("s0");
        })).InnerException);

        Assert.StartsWith("bpf(BPF_PROG_QUERY, tcx egress) device ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("EPERM", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("CAP_NET_ADMIN", refusal.Message, StringComparison.Ordinal);
        Assert.Equal([lab.Guard.ProgramId], Programs(lab));
        Assert.Single(lab.LinkPins());
    }

    private static uint[] Programs(GuardLab lab) => lab.Server.Within(() => GuardLinks.ProgramsOn(lab.Server.IndexOf("s0")));
}
