using System.Net.Sockets;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Tests.Host;

[Collection(Descriptors.Name)]
public sealed class HostTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("sunet-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_second_holder_is_refused_and_told_who_has_the_lock()
    {
        var path = Path.Combine(folder, "lock");
        using (var first = FileLock.Take(path))
        {
            var error = Assert.Throws<LockHeldException>(() => FileLock.Take(path));
            Assert.Equal(Environment.ProcessId, error.Holder);
            Assert.Equal($"{path} is locked by process {Environment.ProcessId}: only one daemon runs on a server", error.Message);
        }

        using var again = FileLock.Take(path); // free once the holder is gone, though the file stays
        Assert.Equal($"{Environment.ProcessId}", Net.NetNamespace.Run("cat", path));
    }

    [Fact]
    public void A_lock_that_another_process_has_is_seen_and_ends_with_that_process()
    {
        var path = Path.Combine(folder, "lock");
        File.WriteAllText(path, "not a number\n");
        using var holder = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("flock", [path, "sh", "-c", "echo held; read line"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        Assert.Equal("held", holder.StandardOutput.ReadLine());

        var error = Assert.Throws<LockHeldException>(() => FileLock.Take(path));
        Assert.Null(error.Holder);
        Assert.StartsWith($"{path} is locked by another process", error.Message, StringComparison.Ordinal);

        holder.StandardInput.Close();
        holder.WaitForExit();
        FileLock.Take(path).Dispose();
    }

    public static TheoryData<Exception, bool> Failures() => new()
    {
        { new SystemCallException("open", "x", 24), true }, // EMFILE
        { new SystemCallException("open", "x", 23), true }, // ENFILE
        { new SystemCallException("bpf", "x", 12), true }, // ENOMEM
        { new SystemCallException("open", "x", 2), false }, // ENOENT
        { new IOException("Too many open files", 24), true }, // as File and Directory throw
        { new IOException("No such process", 3), false },
        { new FileNotFoundException("x"), false },
        { new UnauthorizedAccessException("x"), false },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public void What_could_not_be_looked_at_for_want_of_descriptors_or_memory_is_told_from_what_is_not_there(Exception failure, bool isShortage) =>
        Assert.Equal(isShortage, SystemCallException.IsShortage(failure));

    [Fact]
    public void A_longer_number_left_in_the_file_does_not_shine_through()
    {
        var path = Path.Combine(folder, "lock");
        File.WriteAllText(path, "99999999999999999999\n");

        FileLock.Take(path).Dispose();

        Assert.Equal($"{Environment.ProcessId}\n", File.ReadAllText(path));
    }

    [Fact]
    public void A_lock_that_cannot_be_opened_is_an_error_that_names_it()
    {
        var absent = Path.Combine(folder, "absent", "lock");
        Assert.Equal($"open {absent}: ENOENT (No such file or directory)", Assert.Throws<SystemCallException>(() => FileLock.Take(absent)).Message);

        var link = Path.Combine(folder, "link");
        File.CreateSymbolicLink(link, Path.Combine(folder, "elsewhere"));
        Assert.Throws<SystemCallException>(() => FileLock.Take(link));
        Assert.False(File.Exists(Path.Combine(folder, "elsewhere")));
    }

    [Fact]
    public void The_peer_of_a_Unix_socket_is_known()
    {
        using var listener = UnixListener.Listen(Path.Combine(folder, "s"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        using var client = Connect(listener.Path);
        using var server = listener.Socket.Accept();

        var peer = PeerCredentials.Of(server);

        Assert.Equal(Environment.ProcessId, peer.ProcessId);
        Assert.Equal(NumberFrom("-u"), peer.UserId);
        Assert.Equal(NumberFrom("-g"), peer.GroupId);
        Assert.Equal(peer.GroupId, peer.Groups[0]);
        Assert.Equal(
            Net.NetNamespace.Run("id", "-G").Split(' ').Select(g => uint.Parse(g, System.Globalization.CultureInfo.InvariantCulture)).Order(),
            peer.Groups.Order());

        static uint NumberFrom(string option) =>
            uint.Parse(Net.NetNamespace.Run("id", option), System.Globalization.CultureInfo.InvariantCulture);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(100)]
    public void The_groups_of_the_peer_are_known_however_many_they_are(int count)
    {
        using var listening = new UnixListening();
        var supplementary = Enumerable.Range(5001, count).Select(g => (uint)g).ToArray();

        using var client = listening.Connect(
            "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\ns.recv(1)",
            "setpriv", "--regid=5000", count == 0 ? "--clear-groups" : $"--groups={string.Join(',', supplementary)}");

        var peer = PeerCredentials.Of(client);
        Assert.Equal(5000u, peer.GroupId);
        Assert.Equal([5000u, .. supplementary], peer.Groups);
    }

    [Fact]
    public void A_socket_that_has_no_credentials_is_an_error()
    {
        using var tcp = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

        Assert.Equal("SO_PEERGROUPS", Assert.Throws<SystemCallException>(() => PeerCredentials.Of(tcp)).Subject);
    }

    [Fact]
    public void A_user_is_a_name_or_a_number_and_an_unknown_one_is_an_error_that_says_what_to_do()
    {
        Assert.Equal(0u, UserId.Of("root"));
        Assert.Equal(Net.NetNamespace.Run("id", "-u", "daemon"), $"{UserId.Of("daemon")}");
        Assert.Equal(4_000_000_000, UserId.Of("4000000000"));
        Assert.Equal(
            "getpwnam_r user no-such-user: ENOENT (No such file or directory): create it: useradd --system NAME",
            Assert.Throws<SystemCallException>(() => UserId.Of("no-such-user")).Message);
        Assert.Throws<SystemCallException>(() => UserId.Of("4294967295")); // means none to the kernel
        Assert.Throws<SystemCallException>(() => UserId.Of("-1"));
    }

    [Fact]
    public void A_socket_file_has_its_mode_and_group_and_goes_with_its_listener()
    {
        var path = Path.Combine(folder, "control.sock");
        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
        using (var listener = UnixListener.Listen(path, Mode, group: "daemon"))
        {
            Assert.Equal($"socket 660 {GroupId.Of("daemon")}", Net.NetNamespace.Run("stat", "-c", "%F %a %g", path));
            Assert.False(File.Exists(path + ".new"));
            using var client = Connect(path);
        }

        Assert.False(File.Exists(path));
    }

    [Fact]
    public void A_socket_that_a_dead_process_left_is_taken_over()
    {
        var path = Path.Combine(folder, "s");
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(path + ".dead"));
            dead.Listen();
            File.Move(path + ".dead", path); // .NET takes the file along only under the name that it was bound to
        }

        Assert.True(File.Exists(path));

        using var listener = UnixListener.Listen(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        using var client = Connect(path);
    }

    [Fact]
    public void A_socket_that_somebody_listens_on_is_not_taken()
    {
        var path = Path.Combine(folder, "s");
        using var first = UnixListener.Listen(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);

        var error = Assert.Throws<IOException>(() => UnixListener.Listen(path, UnixFileMode.UserRead | UnixFileMode.UserWrite));

        Assert.Equal($"cannot listen on {path}: another process listens there", error.Message);
        using var client = Connect(path);
    }

    [Fact]
    public void A_file_that_is_no_socket_is_not_taken()
    {
        var path = Path.Combine(folder, "s");
        File.WriteAllText(path, "an operator's");

        var error = Assert.Throws<IOException>(() => UnixListener.Listen(path, UnixFileMode.UserRead | UnixFileMode.UserWrite));

        Assert.StartsWith($"cannot listen on {path}: something that is no socket", error.Message, StringComparison.Ordinal);
        Assert.Equal("an operator's", File.ReadAllText(path));
    }

    [Fact]
    public void A_socket_path_that_is_too_long_or_in_no_folder_is_an_error_that_names_it()
    {
        var path = Path.Combine(folder, new string('x', 120));
        Assert.Equal(
            $"socket path {path} is too long: at most 103 bytes",
            Assert.Throws<IOException>(() => UnixListener.Listen(path, UnixFileMode.UserRead)).Message);

        var absent = Path.Combine(folder, "absent", "s");
        Assert.Equal(
            $"cannot listen on {absent}: its folder does not exist",
            Assert.Throws<IOException>(() => UnixListener.Listen(absent, UnixFileMode.UserRead)).Message);
    }

    [Fact]
    public void An_unknown_group_is_an_error_that_says_what_to_do_and_leaves_no_file()
    {
        var path = Path.Combine(folder, "s");

        var error = Assert.Throws<SystemCallException>(() => UnixListener.Listen(path, UnixFileMode.UserRead, group: "no-such-group"));

        Assert.Equal("getgrnam_r group no-such-group: ENOENT (No such file or directory): create it: groupadd --system NAME", error.Message);
        Assert.Empty(Directory.GetFiles(folder));
    }

    [Fact]
    public void A_grace_period_ends()
    {
        Assert.True(GracePeriod.IsSupported);
        GracePeriod.Wait();
    }

    [Fact]
    public void Sysctls_are_read_by_name_a_slash_standing_for_a_dot()
    {
        var settings = Path.Combine(folder, "net", "ipv4", "conf", "eth0.100");
        Directory.CreateDirectory(settings);
        File.WriteAllText(Path.Combine(settings, "rp_filter"), "2\n");

        Assert.Equal("2", Sysctl.Read(folder, "net.ipv4.conf.eth0/100.rp_filter"));
        Assert.Null(Sysctl.Read(folder, "net.ipv4.conf.eth1.rp_filter"));
        Assert.Equal(File.ReadAllText("/proc/sys/kernel/ostype").Trim(), Sysctl.Read("kernel.ostype"));
        Assert.Equal(long.Parse(File.ReadAllText("/proc/sys/kernel/pid_max"), System.Globalization.CultureInfo.InvariantCulture), Sysctl.ReadNumber("kernel.pid_max"));
        Assert.Null(Sysctl.ReadNumber("kernel.ostype"));
        Assert.Null(Sysctl.ReadNumber("no.such.setting"));
    }

    [Theory]
    [InlineData("net..ipv4")]
    [InlineData("net.//.ipv4")]
    [InlineData(".")]
    [InlineData("net.")]
    public void What_is_no_name_of_a_sysctl_opens_nothing(string name) =>
        Assert.Throws<ArgumentException>(() => Sysctl.Read(folder, name));

    [Theory]
    [InlineData("CapEff:\t0000000000000000", "CAP_BPF CAP_NET_ADMIN")]
    [InlineData("CapEff:\t0000000000001000", "CAP_BPF")]
    [InlineData("CapEff:\t0000008000000000", "CAP_NET_ADMIN")]
    [InlineData("CapEff:\t000001ffffffffff", "")]
    public void Missing_capabilities_are_named(string line, string expected) =>
        Assert.Equal(expected, string.Join(' ', Capabilities.Missing(["Name:\tx", "CapPrm:\t000001ffffffffff", line], Capability.Bpf, Capability.NetAdmin)));

    [Fact]
    public void A_status_without_capabilities_is_an_error()
    {
        Assert.Throws<FormatException>(() => Capabilities.Missing(["Name:\tx"], Capability.Bpf));
        Assert.Throws<FormatException>(() => Capabilities.Missing(["CapEff:\tall"], Capability.Bpf));
    }

    [Fact]
    public void The_capabilities_of_a_process_without_any_are_missing()
    {
        // What the kernel writes for a process whose capabilities were taken away, not what this test thinks it writes.
        var status = Net.NetNamespace.Run("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--reuid=65534", "--clear-groups", "cat", "/proc/self/status");

        Assert.Equal(["CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_BPF", "CAP_PERFMON", "CAP_SYS_ADMIN", "CAP_NET_BIND_SERVICE"], Capabilities.Missing(
            status.Split('\n'), Capability.NetAdmin, Capability.NetRaw, Capability.Bpf, Capability.PerfMon, Capability.SysAdmin, Capability.NetBindService));
    }

    [Theory]
    [InlineData("6.18.44-cloud-amd64\n", 6, 18)]
    [InlineData("6.1.0-37-amd64", 6, 1)]
    [InlineData("5.15", 5, 15)]
    [InlineData("7.0-rc1", 7, 0)]
    public void Kernel_versions_are_read(string text, int major, int minor) =>
        Assert.Equal(new KernelVersion(major, minor), KernelVersion.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("6")]
    [InlineData(".1")]
    [InlineData("six.one")]
    [InlineData("6.-1")]
    [InlineData("6.99999999999")]
    public void What_is_no_kernel_version_is_refused(string text) => Assert.Throws<FormatException>(() => KernelVersion.Parse(text));

    [Fact]
    public void Kernel_versions_are_ordered_by_number()
    {
        Assert.True(new KernelVersion(5, 15) < new KernelVersion(6, 1));
        Assert.True(new KernelVersion(6, 9) < new KernelVersion(6, 18));
        Assert.True(KernelVersion.Running >= new KernelVersion(5, 4));
    }

    private static Socket Connect(string path)
    {
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(new UnixDomainSocketEndPoint(path));
        return client;
    }
}
