using System.Globalization;
using SoftUnicast.Egress;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Host;
using SoftUnicast.Linux.Tests.Net;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Tests.Choose;

/// <summary>
/// Programs of a cgroup, and what they connect to:
/// <code>
///   server c0 -------------------- s0 origin
///   10.9.0.1, fd00:9::1            10.9.0.2, fd00:9::2
///   192.0.2.0/24 on lo             198.51.100.1 to .3 on lo, TCP and UDP echo on port 80
/// </code>
/// The chooser is the real one, at the root of cgroup2, with pins of its own. All goes with this object.
/// </summary>
internal sealed class ChooseLab : IDisposable
{
    public const string Own = "10.9.0.1";
    private const string Prefix = "sulinux-";
    private static int count;

    private readonly NetNamespace server = new();
    private readonly NetNamespace origin = new();
    private readonly List<PythonAgent> programs = [];
    private readonly List<Cgroup> cgroups = [];
    private readonly string pins;

    static ChooseLab()
    {
        // What a killed run left behind would go on choosing, and would not let the pins be used again.
        foreach (var folder in Directory.EnumerateDirectories("/sys/fs/bpf", Prefix + "*"))
        {
            if (!Directory.Exists($"/proc/{Path.GetFileName(folder)[Prefix.Length..].Split('-')[0]}"))
            {
                PinnedChooser.Remove(folder);
            }
        }
    }

    public ChooseLab()
    {
        var number = Interlocked.Increment(ref count);
        pins = string.Create(CultureInfo.InvariantCulture, $"/sys/fs/bpf/{Prefix}{Environment.ProcessId}-choose{number}");
        try
        {
            server.Ip($"link add c0 type veth peer name s0 netns {origin.Name}");
            server.Ip("link set c0 up");
            origin.Ip("link set s0 up");
            server.Ip($"addr add {Own}/24 dev c0");
            origin.Ip("addr add 10.9.0.2/24 dev s0");
            server.Ip("addr add fd00:9::1/64 dev c0 nodad");
            origin.Ip("addr add fd00:9::2/64 dev s0 nodad");
            server.Ip("route add default via 10.9.0.2");
            server.Ip("route add local 192.0.2.0/24 dev lo");
            origin.Ip("route add 192.0.2.0/24 via 10.9.0.1");
            for (var i = 1; i <= 3; i++)
            {
                origin.Ip($"addr add 198.51.100.{i}/32 dev lo");
            }

            Chooser = PinnedChooser.LoadOrAdopt(pins);
            Enrolled = MakeCgroup(Cgroup.Root(), string.Create(CultureInfo.InvariantCulture, $"sulinux-{Environment.ProcessId}-{number}"));
            Origin = Start(origin.Name, null);
            Origin.Ask("serve(['198.51.100.1', '198.51.100.2', '198.51.100.3', 'fd00:9::2'])");
            Program = Run(Enrolled);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public PinnedChooser Chooser { get; private set; }

    /// <summary>The folder of the pins.</summary>
    public string Pins => pins;

    /// <summary>A cgroup, without a policy to begin with.</summary>
    public Cgroup Enrolled { get; }

    /// <summary>A program in it.</summary>
    public PythonAgent Program { get; }

    /// <summary>The program on the origin that echoes.</summary>
    public PythonAgent Origin { get; }

    public ChoiceCounts Counts => Chooser.ReadCounters(Enrolled.Id);

    /// <summary>Another program on the server.</summary>
    public PythonAgent Run(Cgroup? cgroup) => Start(server.Name, cgroup);

    public Cgroup MakeCgroup(Cgroup above, string name)
    {
        var cgroup = above.Make(name);
        cgroups.Add(cgroup);
        return cgroup;
    }

    public void Sysctl(string name, string value) => server.Sysctl(name, value);

    public void SetPolicy(params string[] slices) => Chooser.SetPolicy(Enrolled.Id, Policy(slices));

    public static ChooserPolicy Policy(params string[] slices) => new(slices.Select(slice => AddressPorts.Parse(slice)));

    /// <summary>As a daemon that starts anew.</summary>
    public void Restart()
    {
        Chooser.Dispose();
        Chooser = PinnedChooser.LoadOrAdopt(pins);
    }

    /// <summary>The port of <c>ADDRESS:PORT</c>.</summary>
    public static int PortOf(string name) => int.Parse(name[(name.LastIndexOf(':') + 1)..], CultureInfo.InvariantCulture);

    public static string AddressOf(string name) => name[..name.LastIndexOf(':')];

    public static void AssertWithin(string slice, string name)
    {
        var range = AddressPorts.Parse(slice);
        Assert.Equal(range.Address.ToString(), AddressOf(name));
        Assert.InRange(PortOf(name), range.Ports.First, range.Ports.Last);
    }

    public void Dispose()
    {
        foreach (var program in programs)
        {
            program.Dispose();
        }

        foreach (var cgroup in Enumerable.Reverse(cgroups))
        {
            SpinWait.SpinUntil(() => !cgroup.IsPopulated(), TimeSpan.FromSeconds(30));
            cgroup.TryRemove();
        }

        Chooser?.Dispose();
        PinnedChooser.Remove(pins);
        server.Dispose();
        origin.Dispose();
    }

    private PythonAgent Start(string networkNamespace, Cgroup? cgroup)
    {
        var program = new PythonAgent(networkNamespace, cgroup);
        programs.Add(program);
        return program;
    }
}
