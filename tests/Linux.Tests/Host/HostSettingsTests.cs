using System.Runtime.InteropServices;
using SoftUnicast.Egress;
using SoftUnicast.Egress.Host;
using SoftUnicast.Linux.Host;
using SoftUnicast.Linux.Net;
using SoftUnicast.Linux.Tests.Net;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Tests.Host;

/// <summary>Real sysctls and routes of a namespace.</summary>
public sealed partial class HostSettingsTests : IDisposable
{
    private const int CLONE_NEWNS = 0x20000;
    private const ulong MS_RDONLY = 1;
    private const ulong MS_REMOUNT = 32;
    private const ulong MS_BIND = 4096;
    private const ulong MS_REC = 16384;
    private const ulong MS_PRIVATE = 1 << 18;

    private const string PortRange = "net.ipv4.ip_local_port_range";
    private const string Filter = "net.ipv4.conf.v1.rp_filter";
    private const string Route = "route local 192.0.2.0/24";

    private static readonly HostNeeds Needs = new([IpPrefix.Parse("192.0.2.0/24")], [AddressPorts.Parse("192.0.2.7:2048-4095")]) { Interfaces = ["v1"] };

    private readonly NetNamespace machine = new();
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("su-host-");
    private readonly Rtnetlink kernel;

    public HostSettingsTests()
    {
        kernel = machine.Within(() => new Rtnetlink());
        machine.Ip("link add v1 type veth peer name v2");
        machine.Sysctl(PortRange, "\"32768 60999\"");
        machine.Sysctl("net.ipv4.conf.all.rp_filter", "0");
        machine.Sysctl(Filter, "1");
        machine.Sysctl("net.ipv4.tcp_tw_reuse", "1");
    }

    private string StateFile => Path.Combine(folder.FullName, "host.json");

    public void Dispose()
    {
        kernel.Dispose();
        machine.Dispose();
        folder.Delete(recursive: true);
    }

    [Fact]
    public void Settings_are_changed_listed_and_given_back() => Inside(() =>
    {
        var settings = new HostSettings(StateFile, kernel);

        var outcome = settings.Ensure(Needs);

        Assert.Equal([PortRange, Route, Filter], outcome.Changed.Select(c => c.Name));
        Assert.Empty(outcome.Repaired);
        Assert.Empty(outcome.Remarks);
        Assert.Equal(
            [(PortRange, "32768 60999", "2048 60999"), (Route, null, "dev lo"), (Filter, "1", "2")],
            settings.Held.Select(s => (s.Name, s.Was, s.Is)));
        Assert.All(settings.Held, s => Assert.NotEmpty(s.Why));
        Assert.Equal("2048\t60999", Sysctl.Read(PortRange));
        Assert.Equal("2", Sysctl.Read(Filter));
        Assert.Equal(RouteType.Local, kernel.RouteTo(IpAddress.Parse("192.0.2.9")).Type);

        Assert.Empty(settings.Ensure(Needs).Changed);
        Assert.Empty(settings.Restore());

        Assert.Empty(settings.Held);
        Assert.Equal("32768\t60999", Sysctl.Read(PortRange));
        Assert.Equal("1", Sysctl.Read(Filter));
        Assert.DoesNotContain(IpPrefix.Parse("192.0.2.0/24"), kernel.LocalRoutes());
        Assert.Empty(folder.GetFiles());
        Assert.Empty(settings.Restore());
    });

    [Fact]
    public void What_somebody_changes_back_is_set_again_and_its_first_value_is_what_is_given_back() => Inside(() =>
    {
        var settings = new HostSettings(StateFile, kernel);
        settings.Ensure(Needs);
        Sysctl.Write(PortRange, "40000 50000");
        machine.Ip("route flush table local");

        var outcome = settings.Ensure(Needs);

        Assert.Equal([PortRange, Route], outcome.Repaired.Select(c => c.Name));
        Assert.Empty(outcome.Changed);
        Assert.Equal("2048\t50000", Sysctl.Read(PortRange));
        settings.Restore();
        Assert.Equal("32768\t60999", Sysctl.Read(PortRange));
    });

    [Fact]
    public void A_daemon_that_was_killed_knows_what_to_give_back() => Inside(() =>
    {
        new HostSettings(StateFile, kernel).Ensure(Needs);
        var later = new HostSettings(StateFile, kernel);

        Assert.Equal(3, later.Held.Length);
        Assert.Empty(later.Ensure(Needs).Changed);
        later.Restore();

        Assert.Equal("32768\t60999", Sysctl.Read(PortRange));
    });

    [Fact]
    public void What_somebody_has_set_otherwise_meanwhile_stays() => Inside(() =>
    {
        var settings = new HostSettings(StateFile, kernel);
        settings.Ensure(Needs);
        Sysctl.Write(PortRange, "1024 65535");

        Assert.Empty(settings.Ensure(Needs).Repaired);
        settings.Restore();

        Assert.Equal("1024\t65535", Sysctl.Read(PortRange));
        Assert.Equal("1", Sysctl.Read(Filter));
    });

    [Fact]
    public void A_route_that_was_there_before_is_not_ours_to_remove() => Inside(() =>
    {
        machine.Ip("route add local 192.0.2.0/24 dev lo");
        var settings = new HostSettings(StateFile, kernel);

        settings.Ensure(Needs);
        settings.Restore();

        Assert.Contains(IpPrefix.Parse("192.0.2.0/24"), kernel.LocalRoutes());
    });

    [Fact]
    public void After_a_reboot_nothing_of_before_is_given_back() => Inside(() =>
    {
        File.WriteAllText(StateFile, new HeldSettings("another boot", [new HeldSetting(PortRange, "1 2", "32768 60999", "why")]).ToJson());

        Assert.Empty(new HostSettings(StateFile, kernel).Held);
    });

    [Fact]
    public void Where_proc_sys_is_read_only_the_command_is_said_and_the_use_is_stopped() => Inside(() =>
    {
        // As ProtectKernelTunables does it, for this thread alone.
        Assert.Equal(0, Unshare(CLONE_NEWNS));
        Assert.Equal(0, Mount("none", "/", null, MS_REC | MS_PRIVATE, 0));
        Assert.Equal(0, Mount("/proc/sys", "/proc/sys", null, MS_BIND, 0));
        Assert.Equal(0, Mount("none", "/proc/sys", null, MS_REMOUNT | MS_BIND | MS_RDONLY, 0));
        var settings = new HostSettings(StateFile, kernel);

        var outcome = settings.Ensure(Needs);

        Assert.Equal([Route], outcome.Changed.Select(c => c.Name));
        Assert.Equal([Route], settings.Held.Select(s => s.Name));
        Assert.Equal(
            ["sysctl -w net.ipv4.ip_local_port_range=\"2048 60999\"", "sysctl -w net.ipv4.conf.v1.rp_filter=2"], outcome.Against(SliceUse.Range).Select(r => r.Command));
        Assert.Equal(
            "net.ipv4.ip_local_port_range is 32768 60999: a port range of a slice that lies outside is ignored by the kernel without a word"
            + " (Read-only file system : '/proc/sys/net/ipv4/ip_local_port_range'): sysctl -w net.ipv4.ip_local_port_range=\"2048 60999\"",
            outcome.Remarks[0].ToString());
        Assert.Equal(["net.ipv4.conf.v1.rp_filter"], outcome.Against(SliceUse.Exec).Select(r => r.Name));
        Assert.Equal("32768\t60999", Sysctl.Read(PortRange));
    });

    [Fact]
    public void What_cannot_be_written_down_is_not_changed() => Inside(() =>
    {
        var settings = new HostSettings("/proc/nowhere/host.json", kernel);

        var outcome = settings.Ensure(Needs);

        Assert.Empty(outcome.Changed);
        Assert.Equal(3, outcome.Remarks.Length);
        Assert.All(outcome.Remarks, r => Assert.StartsWith("what it was cannot be written down: ", r.Cause, StringComparison.Ordinal));
        Assert.Equal("32768\t60999", Sysctl.Read(PortRange));
        Assert.DoesNotContain(IpPrefix.Parse("192.0.2.0/24"), kernel.LocalRoutes());
    });

    [Fact]
    public void A_broken_state_file_is_named()
    {
        File.WriteAllText(StateFile, "{");

        Assert.StartsWith($"{StateFile}: it does not parse: ", Assert.Throws<FormatException>(() => new HostSettings(StateFile, kernel)).Message, StringComparison.Ordinal);
    }

    private void Inside(Action test) => machine.Within(() =>
    {
        test();
        return 0;
    });

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);

    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Mount(string source, string target, string? type, ulong flags, nint data);
}
