using System.Globalization;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Bpf;

/// <summary>
/// The guard's places as tcx links (Linux 6.6), which are asked before clsact's filters. A link is put before all programs
/// that are there then; those of others stay, and are asked what the guard passes on. Links are pinned, and held as well, so
/// that who takes only the pin away frees nothing while this process lives.
/// </summary>
internal sealed unsafe class GuardLinks(PinFolder pins) : IDisposable
{
    private const string Prefix = "tcx_"; // and the ifindex
    private const int MaxPrograms = 64; // BPF_MPROG_MAX

    private readonly Dictionary<int, BpfLink> held = [];

    /// <summary>What runs there, in this order; nothing if there is no such interface, or no tcx.</summary>
    public static uint[] ProgramsOn(int index)
    {
        var ids = stackalloc uint[MaxPrograms];
        uint count = MaxPrograms;
        var code = Libbpf.QueryPrograms(index, Libbpf.AttachTypeTcxEgress, 0, null, ids, &count);
        return code switch
        {
            >= 0 => new Span<uint>(ids, (int)count).ToArray(),
            -Libc.EINVAL or -Libc.ENODEV => [],
            _ => throw BpfException.From(
                "bpf(BPF_PROG_QUERY, tcx egress)",
                string.Create(CultureInfo.InvariantCulture, $"device {index}"),
                code,
                code == -Libc.EPERM ? "CAP_NET_ADMIN is needed" : null),
        };
    }

    /// <summary>The guard's program there, whoever loaded it; 0: none.</summary>
    public static uint GuardOn(int index) => ProgramsOn(index).FirstOrDefault(id => BpfProgram.NameOf(id) == GuardProgram.Name);

    /// <summary>Takes a place, or puts another program into the one that is pinned, between two packets.</summary>
    /// <returns>Null: this kernel has no tcx.</returns>
    public AttachmentChange? Take(BpfProgram program, string interfaceName, int index)
    {
        if (Find(index) is { } own)
        {
            if (TryKeep(own, program, index, out var change))
            {
                return change;
            }

            Forget(index);
        }

        ForgetGone();
        if (BpfLink.AttachTcx(program, interfaceName, index) is not { } link)
        {
            return null;
        }

        held.Add(index, link);
        link.Pin(PathOf(pins.Folder, index));
        return AttachmentChange.Attached;
    }

    /// <summary>Gives the place back. False: there is none.</summary>
    public bool Leave(int index)
    {
        if (Find(index) is not { } link)
        {
            return false;
        }

        var wasThere = link.Info().InterfaceIndex == index;
        link.Detach();
        Forget(index);
        return wasThere;
    }

    /// <summary>Gives all pinned places back.</summary>
    /// <returns>The interfaces that they were on.</returns>
    public static IReadOnlyList<int> Remove(IEnumerable<string> folders)
    {
        var indices = new List<int>();
        foreach (var path in PinsIn(folders))
        {
            using (var link = BpfLink.OpenPinned(path))
            {
                indices.Add(link.Info().InterfaceIndex);
                link.Detach();
            }

            File.Delete(path);
        }

        return indices;
    }

    /// <summary>Lets go of the links; those that are pinned stay.</summary>
    public void Dispose()
    {
        foreach (var link in held.Values)
        {
            link.Dispose();
        }

        held.Clear();
    }

    private static string PathOf(string folder, int index) =>
        Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{index}"));

    private static List<string> PinsIn(IEnumerable<string> folders) => [.. folders.SelectMany(folder => Directory.GetFiles(folder, Prefix + "*"))];

    // Of whatever version of the ABI.
    private string? PinOf(int index) => pins.AllVersions().Select(folder => PathOf(folder, index)).FirstOrDefault(File.Exists);

    private BpfLink? Find(int index)
    {
        if (!held.TryGetValue(index, out var link) && PinOf(index) is { } path)
        {
            link = BpfLink.OpenPinned(path);
            held.Add(index, link);
        }

        return link;
    }

    private bool TryKeep(BpfLink link, BpfProgram program, int index, out AttachmentChange change)
    {
        var (on, runs) = link.Info();
        change = runs == program.Id ? AttachmentChange.None : AttachmentChange.Swapped;

        // An interface that moved to another network namespace takes its links along, and its number may be another's here.
        if (on != index || !ProgramsOn(index).Contains(runs) || (change == AttachmentChange.Swapped && !link.TryUpdate(program)))
        {
            return false;
        }

        var path = PathOf(pins.Folder, index);
        var pinned = PinOf(index);
        if (pinned is null)
        {
            link.Pin(path);
        }
        else if (pinned != path)
        {
            File.Move(pinned, path, overwrite: true);
        }

        return true;
    }

    private void Forget(int index)
    {
        if (held.Remove(index, out var link))
        {
            link.Dispose();
        }

        while (PinOf(index) is { } path)
        {
            File.Delete(path);
        }
    }

    // An interface that is made anew has another number.
    private void ForgetGone()
    {
        foreach (var path in PinsIn(pins.AllVersions()))
        {
            using var link = BpfLink.OpenPinned(path);
            if (link.Info().InterfaceIndex == 0)
            {
                File.Delete(path);
            }
        }

        foreach (var index in held.Where(place => place.Value.Info().InterfaceIndex == 0).Select(place => place.Key).ToList())
        {
            Forget(index);
        }
    }
}
