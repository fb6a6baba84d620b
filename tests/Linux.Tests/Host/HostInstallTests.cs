using System.Diagnostics;

namespace SoftUnicast.Linux.Tests.Host;

/// <summary><c>./install</c> into folders of the test's own, with two small scripts for programs.</summary>
public sealed class HostInstallTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("sunet-").FullName;
    private readonly string programs;
    private readonly string root;

    public HostInstallTests()
    {
        programs = Path.Combine(folder, "programs");
        root = Path.Combine(folder, "root");
        Directory.CreateDirectory(programs);
        WriteProgram("softunicastd", "#!/bin/sh\necho daemon\n");
        WriteProgram("softunicastc", "#!/bin/sh\necho command line\n");
        File.WriteAllText(Path.Combine(programs, "library.so"), "library");
        File.WriteAllText(Path.Combine(programs, "softunicastd.pdb"), "not for servers");
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Programs_units_and_examples_go_where_they_belong()
    {
        Install();

        Assert.Equal(
            [
                "etc/softunicast/assignment.yaml.example",
                "etc/softunicast/fleet.yaml.example",
                "etc/softunicast/naming.yaml.example",
                "etc/softunicast/softunicast.yaml.example",
                "usr/local/bin/softunicastc",
                "usr/local/bin/suc",
                "usr/local/lib/softunicast/MANIFEST",
                "usr/local/lib/softunicast/library.so",
                "usr/local/lib/softunicast/softunicastc",
                "usr/local/lib/softunicast/softunicastd",
                "usr/local/lib/systemd/system/softunicastd.service",
                "usr/local/lib/sysusers.d/softunicast.conf",
                "usr/local/lib/tmpfiles.d/softunicast.conf",
                "usr/local/sbin/softunicastd",
                "usr/local/share/doc/softunicast/gobgpd.service.d/softunicast.conf",
                "usr/local/share/doc/softunicast/install.md",
            ],
            Files());
        Assert.Equal("command line", Run(Path.Combine(root, "usr/local/bin/suc")).Output.Trim());
        Assert.Equal("daemon", Run(Path.Combine(root, "usr/local/sbin/softunicastd")).Output.Trim());
    }

    [Fact]
    public void Another_prefix_stands_in_the_unit_too()
    {
        Install("--prefix", "/usr");

        Assert.Contains("ExecStart=/usr/lib/softunicast/softunicastd /etc/", Read("usr/lib/systemd/system/softunicastd.service"), StringComparison.Ordinal);
        Assert.DoesNotContain(Files(), f => f.Contains("local", StringComparison.Ordinal));
        Assert.DoesNotContain("/usr/local", Read("usr/lib/systemd/system/softunicastd.service"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_second_time_changes_nothing()
    {
        Install();
        var before = Stamps();

        Assert.Equal("nothing to do: everything is in place", Install().Trim());

        Assert.Equal(before, Stamps());
    }

    [Fact]
    public void A_new_version_replaces_its_files_by_rename_and_takes_the_old_ones_away()
    {
        Install();
        using var running = File.OpenRead(Path.Combine(root, "usr/local/lib/softunicast/softunicastd"));
        WriteProgram("softunicastd", "#!/bin/sh\necho newer\n");
        File.Delete(Path.Combine(programs, "library.so"));

        Install();

        Assert.Equal("newer", Run(Path.Combine(root, "usr/local/sbin/softunicastd")).Output.Trim());
        Assert.Equal("#!/bin/sh\necho daemon\n", new StreamReader(running).ReadToEnd()); // what runs keeps its file
        Assert.DoesNotContain("usr/local/lib/softunicast/library.so", Files());
        Assert.DoesNotContain(Files(), f => f.EndsWith("-new", StringComparison.Ordinal));
    }

    [Fact]
    public void The_operators_files_are_never_touched()
    {
        Install();
        Write("etc/softunicast/fleet.yaml", "mine");
        Write("etc/softunicast/softunicast.yaml.example", "edited");
        WriteProgram("softunicastd", "#!/bin/sh\necho newer\n");

        Assert.Contains("/etc/softunicast/softunicast.yaml.example was edited: left as it is", InstallErrors(), StringComparison.Ordinal);
        Assert.Equal(("mine", "edited"), (Read("etc/softunicast/fleet.yaml"), Read("etc/softunicast/softunicast.yaml.example")));

        var removed = Run(Script, "--remove", "--root", root);
        Assert.Equal(0, removed.Status);
        Assert.Equal(["etc/softunicast/fleet.yaml", "etc/softunicast/softunicast.yaml.example"], Files());
        Assert.Equal(("mine", "edited"), (Read("etc/softunicast/fleet.yaml"), Read("etc/softunicast/softunicast.yaml.example")));
    }

    [Fact]
    public void Removing_takes_everything_and_twice_is_no_error()
    {
        Install();

        Assert.Equal(0, Run(Script, "--remove", "--root", root).Status);
        Assert.Empty(Files());
        Assert.False(Directory.Exists(Path.Combine(root, "usr/local/lib/softunicast")));
        var again = Run(Script, "--remove", "--root", root);
        Assert.Equal((0, true), (again.Status, again.Output.StartsWith("nothing to do", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_stranger_under_our_name_is_left_alone_even_when_removing()
    {
        Write("usr/local/bin/suc", "somebody else's");

        Assert.Contains("/usr/local/bin/suc is there and not ours: left alone", InstallErrors(), StringComparison.Ordinal);
        Run(Script, "--remove", "--root", root);

        Assert.Equal("somebody else's", Read("usr/local/bin/suc"));
    }

    [Fact]
    public void A_missing_program_is_an_error_that_says_what_to_run()
    {
        File.Delete(Path.Combine(programs, "softunicastd"));

        var result = Run(Script, "--root", root);

        Assert.Equal((1, $"install: {programs} has no program softunicastd: run ./build, then ./install again"), (result.Status, result.Errors.Trim()));
        Assert.False(Directory.Exists(root));
    }

    [Theory]
    [InlineData("install: --root needs a folder", "--root")]
    [InlineData("install: --root needs an absolute path, not 'here'", "--root", "here")]
    [InlineData("install: --prefix: only letters, digits and / . _ + - may stand in '/a|b'", "--prefix", "/a|b")]
    [InlineData("install: --prefix / is not a place for programs", "--prefix", "/")]
    [InlineData("install: unknown argument '--purge'", "--purge")]
    public void Wrong_usage_is_said_and_does_nothing(string expected, params string[] arguments)
    {
        var result = Run(Script, arguments);

        Assert.Equal((2, expected), (result.Status, result.Errors.Split('\n')[0]));
        Assert.Contains("Usage: ./install", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_root_it_installs_into_a_folder_only()
    {
        var refused = Run("setpriv", "--reuid=65534", "--clear-groups", Script);

        Assert.Equal((1, "install: needs root: run it with sudo, or into a folder with --root DIR"), (refused.Status, refused.Errors.Trim()));
    }

    // The unit and the drop-in as installed, beside the units of this machine's systemd.
    [Fact]
    public void Systemd_verifies_the_units()
    {
        Install();
        Run("cp", "-a", "/lib/systemd/system", Path.Combine(Directory.CreateDirectory(Path.Combine(root, "usr/lib/systemd")).FullName, "system"));
        foreach (var program in new[] { "/usr/bin/install", "/usr/bin/chown", "/bin/kill", "/bin/rm", "/usr/bin/gobgpd" })
        {
            Write(program[1..], "#!/bin/sh\n");
            MakeExecutable(Path.Combine(root, program[1..]));
        }

        var dropIn = Path.Combine(root, "etc/systemd/system/gobgpd.service.d");
        Directory.CreateDirectory(dropIn);
        File.Copy(Path.Combine(root, "usr/local/share/doc/softunicast/gobgpd.service.d/softunicast.conf"), Path.Combine(dropIn, "softunicast.conf"));
        Write("usr/lib/systemd/system/gobgpd.service", "[Unit]\nConditionPathExists=/etc/gobgpd.conf\n[Service]\nType=notify\nExecStart=/absent\nDynamicUser=yes\n");

        foreach (var unit in new[] { "softunicastd.service", "gobgpd.service" })
        {
            var result = Run("systemd-analyze", "verify", "--man=no", $"--root={root}", unit);
            Assert.Equal((0, ""), (result.Status, result.Errors.Trim()));
        }

        File.Delete(Path.Combine(root, "usr/local/lib/softunicast/softunicastd"));
        Assert.NotEqual(0, Run("systemd-analyze", "verify", "--man=no", $"--root={root}", "softunicastd.service").Status);
    }

    // Tenths of systemd's exposure level: 0 is locked up, 100 is open. 1.8 with systemd 252.
    [Fact]
    public void The_units_exposure_stays_low()
    {
        Install();

        var result = Run("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", $"--root={root}", "softunicastd.service");

        Assert.True(result.Status == 0, result.Output + result.Errors);
        Assert.NotEqual(0, Run("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=5", $"--root={root}", "softunicastd.service").Status);
    }

    [Fact]
    public void The_users_and_folders_can_be_made()
    {
        Install();
        Write("etc/passwd", "root:x:0:0::/root:/bin/sh\n");
        Write("etc/group", "root:x:0:\n");

        var users = Run("systemd-sysusers", $"--root={root}", Path.Combine(root, "usr/local/lib/sysusers.d/softunicast.conf"));
        Assert.True(users.Status == 0, users.Errors);
        Assert.Contains("\nsoftunicast:x:", Read("etc/passwd"), StringComparison.Ordinal);
        Assert.Matches("\nsoftunicast:x:[0-9]+:softunicast-bgp\n", Read("etc/group"));

        var folders = Run("systemd-tmpfiles", "--create", $"--root={root}", Path.Combine(root, "usr/local/lib/tmpfiles.d/softunicast.conf"));
        Assert.True(folders.Status == 0, folders.Errors);
        Assert.True(Directory.Exists(Path.Combine(root, "sys/fs/bpf/softunicast")));
    }

    private static string Script { get; } = Path.Combine(Repository(), "install");

    private static string Repository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "install")))
        {
            folder = folder.Parent ?? throw new DirectoryNotFoundException($"no ./install above {AppContext.BaseDirectory}");
        }

        return folder.FullName;
    }

    private static void MakeExecutable(string path) => Net.NetNamespace.Run("chmod", "755", path);

    private string Install(params string[] arguments)
    {
        var result = Run(Script, ["--root", root, .. arguments]);
        Assert.True(result.Status == 0, result.Output + result.Errors);
        return result.Output;
    }

    private string InstallErrors()
    {
        var result = Run(Script, "--root", root);
        Assert.Equal(0, result.Status);
        return result.Errors;
    }

    private (int Status, string Output, string Errors) Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["BINDIR"] = programs;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, errors.Result);
    }

    private void WriteProgram(string name, string text)
    {
        File.WriteAllText(Path.Combine(programs, name), text);
        MakeExecutable(Path.Combine(programs, name));
    }

    private void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(root, path))!);
        File.WriteAllText(Path.Combine(root, path), text);
    }

    private string Read(string path) => File.ReadAllText(Path.Combine(root, path));

    private List<string> Files() => Directory.Exists(root)
        ? [.. Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(root, f)).Order(StringComparer.Ordinal)]
        : [];

    private List<string> Stamps() => [.. Files().Select(f => $"{f} {Net.NetNamespace.Run("stat", "-c", "%i %Y %Z %a", Path.Combine(root, f))}")];
}
