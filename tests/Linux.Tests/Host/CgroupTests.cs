using System.Diagnostics;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Tests.Host;

/// <summary>Cgroups of the unified hierarchy: found, made, entered, removed.</summary>
public class CgroupTests
{
    private static readonly string[] Hybrid =
    [
        "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755",
        "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu",
        "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw",
    ];

    [Fact]
    public void The_unified_hierarchy_is_found_beside_the_old_ones() => Assert.Equal("/sys/fs/cgroup/unified", Cgroup.FindMount(Hybrid));

    [Fact]
    public void Where_it_is_mounted_more_than_once_the_shortest_path_counts() => Assert.Equal(
        "/sys/fs/cgroup",
        Cgroup.FindMount([.. Hybrid, "50 23 0:38 / /sys/fs/cgroup rw - cgroup2 none rw", "51 23 0:38 / /var/lib/elsewhere/cgroup rw - cgroup2 none rw"]));

    [Fact]
    public void A_part_of_it_bound_elsewhere_is_not_its_root() =>
        Assert.Null(Cgroup.FindMount(["50 23 0:38 /system.slice /mnt/part rw - cgroup2 cgroup2 rw"]));

    [Fact]
    public void A_space_in_the_path_is_read() =>
        Assert.Equal("/mnt/a b", Cgroup.FindMount([@"50 23 0:38 / /mnt/a\040b rw - cgroup2 cgroup2 rw"]));

    [Fact]
    public void A_cgroup_is_made_entered_emptied_and_removed()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "making cgroups needs root");
        var cgroup = Cgroup.Root().Make($"sulinux-{Environment.ProcessId}-host");
        try
        {
            Assert.Equal(cgroup.Id, Cgroup.Root().Make(Path.GetFileName(cgroup.Folder)).Id);
            Assert.NotEqual(Cgroup.Root().Id, cgroup.Id);
            Assert.False(cgroup.IsPopulated());

            using var process = Process.Start(new ProcessStartInfo("cat") { RedirectStandardInput = true })!;
            cgroup.Enter(process.Id);

            Assert.True(cgroup.IsPopulated());
            Assert.Equal([process.Id], cgroup.Processes());
            Assert.False(cgroup.TryRemove());

            process.StandardInput.Close();
            process.WaitForExit();
            Assert.True(SpinWait.SpinUntil(() => !cgroup.IsPopulated(), TimeSpan.FromSeconds(30)));
        }
        finally
        {
            Assert.True(cgroup.TryRemove());
        }

        Assert.True(cgroup.TryRemove()); // gone already
        Assert.False(cgroup.IsPopulated());
    }

    [Fact]
    public void A_process_that_there_is_not_cannot_enter()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "making cgroups needs root");

        var refusal = Assert.Throws<SystemCallException>(() => Cgroup.Root().Enter(int.MaxValue));

        Assert.Equal(Libc.ESRCH, refusal.Errno);
        Assert.EndsWith($"process {int.MaxValue} cannot be moved there", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("..")]
    public void A_name_that_leads_elsewhere_is_refused(string name) => Assert.Throws<ArgumentException>(() => Cgroup.Root().Make(name));

    [Fact]
    public void A_program_that_there_is_not_is_named()
    {
        var refusal = Assert.Throws<SystemCallException>(() => ProcessImage.Execute("sulinux-no-such-program", ["sulinux-no-such-program"]));

        Assert.Equal("execvp sulinux-no-such-program: ENOENT (No such file or directory): no such program", refusal.Message);
    }
}
