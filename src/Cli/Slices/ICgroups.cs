namespace SoftUnicast.Cli.Slices;

/// <summary>A cgroup (v2).</summary>
/// <param name="Id">The inode number of its folder.</param>
/// <param name="Path">From the root of the tree: <c>/system.slice/proxy.service</c>.</param>
internal readonly record struct CgroupPlace(ulong Id, string Path);

/// <summary>The kernel refused, or has none.</summary>
internal sealed class CgroupException(string message, bool permission) : Exception(message)
{
    /// <summary>True if more rights would help.</summary>
    public bool Permission { get; } = permission;
}

/// <summary>The cgroups of this machine. Every method throws <see cref="CgroupException"/>.</summary>
internal interface ICgroups
{
    /// <summary>The cgroup that this process is in.</summary>
    CgroupPlace Own();

    /// <param name="path">From the root of the tree, or where it is mounted.</param>
    CgroupPlace Find(string path);

    /// <summary>Makes one below this process's own.</summary>
    CgroupPlace Make(string name);

    /// <summary>Moves this process there.</summary>
    void Enter(CgroupPlace place);

    /// <summary>Removes it, if nothing is in it.</summary>
    void Remove(CgroupPlace place);
}
