using SoftUnicast.Linux.Host;

namespace SoftUnicast.Cli.Slices;

/// <summary>The cgroup2 tree of this kernel.</summary>
internal sealed class KernelCgroups : ICgroups
{
    private const string OwnLine = "0::";

    // errno(3)
    private const int EPERM = 1;
    private const int EACCES = 13;
    private const int EROFS = 30;

    public CgroupPlace Own() => Try(() => Place(Cgroup.Open(Folder(OwnPath()))));

    public CgroupPlace Find(string path) => Try(() =>
    {
        var root = Cgroup.Root().Folder;
        var below = path == root ? "/" : path.StartsWith(root + "/", StringComparison.Ordinal) ? path[root.Length..] : path;
        return Place(Cgroup.Open(Folder(below)));
    });

    public CgroupPlace Make(string name) => Try(() => Place(Cgroup.Open(Folder(OwnPath())).Make(name)));

    public void Enter(CgroupPlace place) => Try(() =>
    {
        Cgroup.Open(Folder(place.Path)).Enter();
        return place;
    });

    public void Remove(CgroupPlace place) => Try(() =>
    {
        Cgroup.Open(Folder(place.Path)).TryRemove();
        return place;
    });

    private static string OwnPath() => File.ReadLines("/proc/self/cgroup").FirstOrDefault(l => l.StartsWith(OwnLine, StringComparison.Ordinal)) is { } line
        ? line[OwnLine.Length..]
        : throw new CgroupException("this process is in no cgroup of the unified hierarchy; cgroup2 is not mounted", permission: false);

    private static string Folder(string path) => Cgroup.Root().Folder + path.TrimEnd('/');

    private static CgroupPlace Place(Cgroup cgroup)
    {
        var path = cgroup.Folder[Cgroup.Root().Folder.Length..];
        return new CgroupPlace(cgroup.Id, path.Length == 0 ? "/" : path);
    }

    private static CgroupPlace Try(Func<CgroupPlace> action)
    {
        try
        {
            return action();
        }
        catch (SystemCallException e)
        {
            throw new CgroupException(e.Message, e.Errno is EPERM or EACCES or EROFS);
        }
        catch (IOException e)
        {
            throw new CgroupException(e.Message, permission: false);
        }
    }
}
