using SoftUnicast.Egress.Abi;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Host;
using SoftUnicast.Linux.Tests.Bpf;
using SoftUnicast.Linux.Tests.Net;
using static SoftUnicast.Linux.Tests.Guard.GuardUnderTest;

namespace SoftUnicast.Linux.Tests.Guard;

/// <summary>The guard on interfaces: put there, kept, swapped, missed, put there again, refused, taken away.</summary>
public class GuardAttachmentTests
{
    /// <summary>
    /// Classic BPF: a half word at 12 (EtherType) is 0x800 and the one at 36 (destination port) is 7001: 2 (TC_ACT_SHOT), else
    /// -1 (TC_ACT_UNSPEC).
    /// </summary>
    private const string DropsPort7001 = "6,40 0 0 12,21 0 3 2048,40 0 0 36,21 0 1 7001,6 0 0 2,6 0 0 4294967295";

    [Theory]
    [InlineData(GuardWay.Tcx)]
    [InlineData(GuardWay.Clsact)]
    public void The_guard_stays_when_the_process_lets_go(GuardWay way)
    {
        using var lab = new GuardLab(way);
        using var socket = lab.Bound(Foreign);
        var id = lab.Guard.ProgramId;
        lab.Guard.Dispose();

        Assert.Empty(lab.PortsSeen(() => GuardLab.Send(socket)));
        Assert.Equal(("s0", id, way), Assert.Single(lab.Server.Within(PinnedGuard.Attachments)) is var found ? (found.InterfaceName, found.ProgramId, found.Way) : default);
    }

    [Theory]
    [InlineData(GuardWay.Tcx)]
    [InlineData(GuardWay.Clsact)]
    public void A_second_instance_adopts_the_counters_and_swaps_the_program_in_its_place(GuardWay way)
    {
        using var lab = new GuardLab(way);
        using var socket = lab.Bound(Foreign);
        GuardLab.Send(socket);
        Assert.False(lab.Guard.IsAdopted);

        lab.LoadAgain();

        Assert.True(lab.Guard.IsAdopted);
        Assert.Equal(1ul, lab.Count(GuardReason.Foreign));
        Assert.False(lab.Server.Within(() => lab.Guard.IsAttached("s0")));

        Assert.Equal(AttachmentChange.Swapped, lab.Server.Within(() => lab.Guard.Attach("s0")).Change);
        Assert.Equal(AttachmentChange.None, lab.Server.Within(() => lab.Guard.Attach("s0")).Change);
        Assert.True(lab.Server.Within(() => lab.Guard.IsAttached("s0")));
        Assert.Equal(way == GuardWay.Tcx ? (0, 1) : (1, 0), (Filters(lab), lab.LinkPins().Count));
    }

    [Theory]
    [InlineData(GuardWay.Tcx)]
    [InlineData(GuardWay.Clsact)]
    public void Not_one_foreign_packet_leaves_and_not_one_owned_is_lost_while_the_program_is_swapped(GuardWay way)
    {
        using var lab = new GuardLab(way);
        using var foreign = lab.Bound(Foreign);
        using var owned = lab.Bound(Owned);
        using var stop = new CancellationTokenSource();
        var sent = 0ul;
        var seen = new List<int>();
        var sender = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GuardLab.Send(foreign);
                GuardLab.Send(owned);
                sent++;
                lab.TakeSeen(seen);
            }
        });
        var rest = lab.PortsSeen(() =>
        {
            sender.Start();
            for (var i = 0; i < 20; i++)
            {
                lab.LoadAgain();
                Assert.Equal(AttachmentChange.Swapped, lab.Server.Within(() => lab.Guard.Attach("s0")).Change);
            }

            stop.Cancel();
            sender.Join();
        });
        seen.AddRange(rest);

        Assert.All(seen, port => Assert.Equal(Owned, port));
        Assert.True(sent > 20);
        Assert.Equal(sent, (ulong)seen.Count);
        Assert.Equal((sent, sent), (lab.Count(GuardReason.Owned), lab.Count(GuardReason.Foreign)));
    }

    [Theory]
    [InlineData("filter del dev s0 egress")]
    [InlineData("qdisc del dev s0 clsact")]
    public void A_filter_that_somebody_took_away_is_missed_and_put_there_again(string command)
    {
        using var lab = new GuardLab(GuardWay.Clsact);
        using var socket = lab.Bound(Foreign);
        Assert.True(lab.Server.Within(() => lab.Guard.IsAttached("s0")));

        lab.Tc(command);

        Assert.False(lab.Server.Within(() => lab.Guard.IsAttached("s0")));
        Assert.Equal([Foreign], lab.PortsSeen(() => GuardLab.Send(socket)));
        Assert.Equal(AttachmentChange.Attached, lab.Server.Within(() => lab.Guard.Attach("s0")).Change);
        Assert.Empty(lab.PortsSeen(() => GuardLab.Send(socket)));
    }

    [Theory]
    [InlineData(GuardWay.Tcx)]
    [InlineData(GuardWay.Clsact)]
    public void Filters_of_others_on_the_same_hook_work_on_and_stay(GuardWay way)
    {
        using var lab = new GuardLab(way);
        MakeHook(lab, way);
        lab.Tc("filter add dev s0 egress protocol ip prio 10 bpf da bytecode", DropsPort7001);
        lab.Tc("filter add dev s0 ingress protocol ip prio 10 u32 match u32 0 0 flowid 1:1");
        using var owned = lab.Bound(Owned);

        Assert.Empty(lab.PortsSeen(() => owned.SendTo("x"u8, new System.Net.IPEndPoint(System.Net.IPAddress.Parse(GuardLab.Away), 7001))));
        Assert.Equal([Owned], lab.PortsSeen(() => GuardLab.Send(owned)));

        Assert.True(lab.Server.Within(() => lab.Guard.Detach("s0")));
        Assert.False(lab.Server.Within(() => lab.Guard.Detach("s0")));
        Assert.Contains("pref 10 bpf", lab.Tc("filter show dev s0 egress"), StringComparison.Ordinal);
        Assert.Contains("pref 10 u32", lab.Tc("filter show dev s0 ingress"), StringComparison.Ordinal);
        Assert.DoesNotContain(GuardProgram.Name, lab.Tc("filter show dev s0 egress"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(GuardWay.Tcx)]
    [InlineData(GuardWay.Clsact)]
    public void The_guard_is_asked_before_filters_of_others(GuardWay way)
    {
        using var lab = new GuardLab(way);
        MakeHook(lab, way);
        lab.Tc("filter add dev s0 egress protocol ip prio 2 u32 match u32 0 0 flowid 1:1");
        using var foreign = lab.Bound(Foreign);

        Assert.Empty(lab.PortsSeen(() => GuardLab.Send(foreign)));
    }

    [Fact]
    public void Clsact_goes_with_the_guard_if_the_guard_made_it_and_nobody_else_uses_it()
    {
        using var lab = new GuardLab(GuardWay.Clsact);
        Assert.Contains("clsact", lab.Tc("qdisc show dev s0"), StringComparison.Ordinal);

        lab.Server.Within(() => lab.Guard.Detach("s0"));
        Assert.DoesNotContain("clsact", lab.Tc("qdisc show dev s0"), StringComparison.Ordinal);

        lab.Tc("qdisc add dev s0 clsact");
        lab.Server.Within(() => lab.Guard.Attach("s0"));
        lab.Server.Within(() => lab.Guard.Detach("s0"));
        Assert.Contains("clsact", lab.Tc("qdisc show dev s0"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(GuardWay.Tcx)]
    [InlineData(GuardWay.Clsact)]
    public void Removing_frees_every_interface_and_forgets_the_counters_and_nothing_else(GuardWay way)
    {
        using var lab = new GuardLab(way);
        using var socket = lab.Bound(Foreign);

        Assert.Equal(["s0"], lab.Server.Within(() => PinnedGuard.Remove(lab.PinFolder)));
        Assert.Empty(lab.Server.Within(() => PinnedGuard.Remove(lab.PinFolder)));

        Assert.Equal([Foreign], lab.PortsSeen(() => GuardLab.Send(socket)));
        Assert.DoesNotContain("clsact", lab.Tc("qdisc show dev s0"), StringComparison.Ordinal);
        Assert.DoesNotContain(
            Directory.GetFiles(Path.Combine(lab.PinFolder, "v1")),
            path => path.Contains("guard", StringComparison.Ordinal) || path.Contains("tcx", StringComparison.Ordinal) || path.Contains("clsact", StringComparison.Ordinal));
        Assert.True(File.Exists(Path.Combine(lab.PinFolder, "v1", "su_tables")));
    }

    [Fact]
    public void Without_the_packet_path_there_is_no_guard()
    {
        using var pins = new BpfPins();

        var refusal = Assert.Throws<PinnedStateException>(() => PinnedGuard.LoadOrAdopt(pins.Folder));

        Assert.StartsWith($"nothing is pinned in {Path.GetDirectoryName(pins.Pin("x"))}: the guard reads the packet path's tables", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_interface_that_does_not_exist_is_named()
    {
        using var lab = new GuardLab();

        var refusal = Assert.Throws<BpfException>(() => lab.Guard.Attach("su-none"));

        Assert.Equal(Libc.ENODEV, refusal.Errno);
        Assert.StartsWith("RTM_GETLINK su-none: ENODEV", refusal.Message, StringComparison.Ordinal);
        Assert.False(lab.Guard.IsAttached("su-none"));
        Assert.False(lab.Guard.Detach("su-none"));
    }

    [Fact]
    public void An_interface_without_Ethernet_headers_is_refused_by_name()
    {
        using var lab = new GuardLab();
        lab.Server.Ip("tuntap add mode tun name su-tun");

        var refusal = Refusal<GuardPlaceException>(lab, "su-tun");

        Assert.Equal("su-tun", refusal.InterfaceName);
        Assert.StartsWith("the guard cannot be put on su-tun: packets leave there without an Ethernet header", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_qdisc_without_a_place_for_what_leaves_is_refused_with_the_next_step()
    {
        using var lab = new GuardLab(GuardWay.Clsact);
        lab.Tc("qdisc del dev s0 clsact");
        lab.Tc("qdisc add dev s0 ingress");

        var refusal = Refusal<GuardPlaceException>(lab, "s0");

        Assert.Contains("'tc qdisc replace dev s0 clsact'", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(lab.Tc("filter show dev s0 ingress"));
    }

    [Fact]
    public void A_place_that_somebody_else_has_is_left_to_them_and_said()
    {
        using var lab = new GuardLab(GuardWay.Clsact);
        lab.Tc("filter del dev s0 egress");
        lab.Tc("filter add dev s0 egress protocol ip prio 1 u32 match u32 0 0 flowid 1:1");

        var refusal = Refusal<BpfException>(lab, "s0");

        Assert.StartsWith("bpf_tc_attach s0: ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("'tc filter show' for what has the first place on egress", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("u32", lab.Tc("filter show dev s0 egress"), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_rights_the_call_the_interface_and_the_rights_are_named()
    {
        using var lab = new GuardLab(GuardWay.Clsact);
        lab.Tc("qdisc del dev s0 clsact");

        var refusal = Assert.IsType<BpfException>(Assert.Throws<InvalidOperationException>(() => lab.Server.Within(() =>
        {
            LinkSettings.GiveUpNetAdmin();
            return lab.Guard.Attach("s0");
        })).InnerException);

        Assert.Equal(Libc.EPERM, refusal.Errno);
        Assert.StartsWith("bpf_tc_hook_create s0: EPERM", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("CAP_NET_ADMIN", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(GuardWay.Tcx)]
    [InlineData(GuardWay.Clsact)]
    public void The_rights_of_the_daemon_suffice_to_attach_keep_swap_and_end_it(GuardWay way)
    {
        using var lab = new GuardLab(way);
        AttachmentChange Attach() => lab.Server.Within(() =>
        {
            LinkSettings.KeepOnlyTheDaemons();
            return lab.Guard.Attach("s0").Change;
        });
        lab.LoadAgain();

        Assert.Equal(AttachmentChange.Swapped, Attach());
        Assert.Equal(AttachmentChange.None, Attach());
        Assert.True(lab.Server.Within(() =>
        {
            LinkSettings.KeepOnlyTheDaemons();
            return lab.Guard.IsAttached("s0");
        }));
        Assert.True(lab.Server.Within(() =>
        {
            LinkSettings.KeepOnlyTheDaemons();
            return lab.Guard.Detach("s0");
        }));
        Assert.Equal(AttachmentChange.Attached, Attach());
        Assert.Equal(["s0"], lab.Server.Within(() =>
        {
            LinkSettings.KeepOnlyTheDaemons();
            return PinnedGuard.Remove(lab.PinFolder);
        }));
    }

    // By clsact, the guard has made it.
    private static void MakeHook(GuardLab lab, GuardWay way)
    {
        if (way == GuardWay.Tcx)
        {
            lab.Tc("qdisc add dev s0 clsact");
        }
    }

    private static int Filters(GuardLab lab) => lab.Tc("filter show dev s0 egress").Split("handle ").Length - 1;

    private static T Refusal<T>(GuardLab lab, string device)
        where T : Exception =>
        Assert.IsType<T>(Assert.Throws<InvalidOperationException>(() => lab.Server.Within(() => lab.Guard.Attach(device))).InnerException);
}
