using System.Globalization;
using System.Text;

namespace SoftUnicast.Linux.Host;

/// <summary>
/// A cgroup of the unified hierarchy, cgroups(7). It is a folder: its number is the folder's inode, and it lives until the
/// folder is removed.
/// </summary>
public sealed class Cgroup
{
    private const string ProcessesFile = "cgroup.procs";
    private const string EventsFile = "cgroup.events";

    private Cgroup(string folder)
    {
        Folder = folder;
        Id = Inode(folder);
    }

    public string Folder { get; }

    /// <summary>As BPF programs see it (bpf_get_current_cgroup_id).</summary>
    public ulong Id { get; }

    /// <summary>The root of the hierarchy, wherever it is mounted: /sys/fs/cgroup, or below it beside the old hierarchies.</summary>
    /// <exception cref="SystemCallException">It is not mounted.</exception>
    public static Cgroup Root() => FindMount(File.ReadLines("/proc/self/mountinfo")) is { } folder
        ? new Cgroup(folder)
        : throw new SystemCallException("find", "cgroup2", Libc.ENOENT, "it is mounted nowhere: mount -t cgroup2 cgroup2 /sys/fs/cgroup");

    /// <exception cref="SystemCallException">There is none.</exception>
    public static Cgroup Open(string folder) => new(folder);

    /// <summary>Makes one below this, or takes the one that is there.</summary>
    /// <param name="name">One word, without a slash.</param>
    /// <exception cref="SystemCallException">The kernel refused.</exception>
    public Cgroup Make(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name.Contains('/', StringComparison.Ordinal) || name.StartsWith('.'))
        {
            throw new ArgumentException($"'{name}' is no name of a cgroup", nameof(name));
        }

        var folder = Path.Combine(Folder, name);
        if (CgroupCalls.MakeFolder(folder, CgroupCalls.FolderMode) < 0)
        {
            var failure = SystemCallException.Last("mkdir", folder);
            if (failure.Errno != Libc.EEXIST)
            {
                throw failure;
            }
        }

        return new Cgroup(folder);
    }

    /// <summary>Moves a process into it, with all its threads. Its children start there; its sockets count as before.</summary>
    /// <param name="processId">0: this process.</param>
    /// <exception cref="SystemCallException">There is no such process, or it may not be moved.</exception>
    public void Enter(int processId = 0)
    {
        var path = Path.Combine(Folder, ProcessesFile);
        using var file = new FileDescriptor(Libc.Open(path, Libc.O_RDWR | Libc.O_CLOEXEC, 0));
        if (file.IsInvalid)
        {
            throw SystemCallException.Last("open", path);
        }

        var text = Encoding.ASCII.GetBytes(processId.ToString(CultureInfo.InvariantCulture));
        if (CgroupCalls.Write(file, text, text.Length) < 0)
        {
            throw SystemCallException.Last("write", path, $"process {(processId == 0 ? Environment.ProcessId : processId)} cannot be moved there");
        }
    }

    /// <summary>The processes in it, those below it not counted.</summary>
    public IReadOnlyList<int> Processes() =>
        [.. File.ReadLines(Path.Combine(Folder, ProcessesFile)).Select(line => int.Parse(line, CultureInfo.InvariantCulture))];

    /// <summary>Whether a process is in it or below it. False also when it is gone.</summary>
    /// <exception cref="IOException">It could not be looked at.</exception>
    public bool IsPopulated()
    {
        try
        {
            return File.ReadLines(Path.Combine(Folder, EventsFile)).Contains("populated 1");
        }
        catch (IOException failure) when (failure is DirectoryNotFoundException or FileNotFoundException || failure.HResult == Libc.ENODEV)
        {
            return false; // not there, or gone between open(2) and read(2)
        }
    }

    /// <summary>Removes it, if it is empty. False: a process or another cgroup is in it.</summary>
    public bool TryRemove()
    {
        if (CgroupCalls.RemoveFolder(Folder) == 0)
        {
            return true;
        }

        var failure = SystemCallException.Last("rmdir", Folder);
        return failure.Errno switch
        {
            Libc.ENOENT => true,
            Libc.EBUSY => false,
            _ => throw failure,
        };
    }

    public override string ToString() => Folder;

    /// <summary>The mount point of the whole hierarchy, proc(5): the shortest, if there are several.</summary>
    internal static string? FindMount(IEnumerable<string> mountinfo)
    {
        string? found = null;
        foreach (var line in mountinfo)
        {
            // 41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
            var fields = line.Split(' ');
            var separator = Array.IndexOf(fields, "-");
            if (separator >= 6 && separator + 1 < fields.Length && fields[separator + 1] == "cgroup2" && fields[3] == "/")
            {
                var folder = Unescape(fields[4]);
                found = found is null || folder.Length < found.Length ? folder : found;
            }
        }

        return found;
    }

    // A space is \040, in octal.
    private static string Unescape(string field)
    {
        var text = new StringBuilder();
        for (var i = 0; i < field.Length; i++)
        {
            if (field[i] == '\\' && i + 3 < field.Length)
            {
                text.Append((char)Convert.ToInt32(field.Substring(i + 1, 3), 8));
                i += 3;
            }
            else
            {
                text.Append(field[i]);
            }
        }

        return text.ToString();
    }

    private static ulong Inode(string folder) => CgroupCalls.Inode(folder, out var inode) == 0
        ? inode
        : throw SystemCallException.Last("statx", folder);
}
