using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Linux.Bpf;

/// <summary>
/// Where programs and their maps are pinned; for the packet path, <c>ROOT/v1/su_tables</c> and the other maps,
/// <c>ROOT/v1/link_eth0</c> and the other interfaces. Pins outlive the process that made them.
/// </summary>
internal sealed class PinFolder
{
    private const string TablesPin = "su_tables";
    private const string DispatchPin = "su_dispatch";
    private const string LinkPrefix = "link_";
    private const uint FolderMode = 0b111_101_000; // rwxr-x---
    private const uint MapMode = 0b110_100_000; // rw-r-----

    public PinFolder(string root)
    {
        ArgumentException.ThrowIfNullOrEmpty(root);
        Root = Path.GetFullPath(root);
        Folder = Path.Combine(Root, VersionName);
    }

    public string Root { get; }

    /// <summary>The pins of this version of the ABI.</summary>
    public string Folder { get; }

    private static string VersionName => string.Create(CultureInfo.InvariantCulture, $"v{AbiLimits.Version}");

    /// <summary>Makes the folder, if it can hold pins.</summary>
    public void Create()
    {
        RequireBpfFileSystem();
        try
        {
            MakeFolder(Root);
            MakeFolder(Folder);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new PinnedStateException(
                $"cannot make the pin folder {Folder}: {failure.Message}. Make it once as root and give it to the daemon's user, or name another with 'pins:'");
        }
    }

    /// <summary>bpffs takes no dots.</summary>
    public string MapPath(string mapName) => Path.Combine(Folder, mapName switch
    {
        SteeringProgram.TablesMap => TablesPin,
        DispatchProgram.TablesMap => DispatchPin,
        _ => mapName,
    });

    public string LinkPath(string interfaceName) => Path.Combine(Folder, LinkPrefix + Escape(interfaceName));

    /// <summary>
    /// Lets the daemon's group read a map. Where another user has made the pin that fails, and that user has decided.
    /// </summary>
    public void ShareMap(string mapName) => _ = BpfLibc.ChangeMode(MapPath(mapName), MapMode);

    /// <summary>Is the map pinned? Another one of that name is refused.</summary>
    /// <exception cref="PinnedStateException">What is pinned there is of another make.</exception>
    public bool HasMap(string mapName, MapGeometry wanted)
    {
        var path = MapPath(mapName);
        if (!File.Exists(path))
        {
            return false;
        }

        using var map = BpfMap.OpenPinned(path);
        return map.Geometry == wanted
            ? true
            : throw new PinnedStateException(
                $"the pinned map {path} is another one ({map.Geometry}) than this program needs ({wanted}). What is pinned keeps running; " +
                "'softunicastc down' ends it, and the daemon then starts afresh");
    }

    /// <summary>Takes a pinned link's program from its place. False: it is not pinned.</summary>
    public static bool RemoveLink(string path)
    {
        if (!File.Exists(path))
        {
            return false;
        }

        using (var link = BpfLink.OpenPinned(path))
        {
            link.Detach();
        }

        File.Delete(path);
        return true;
    }

    /// <summary>Takes all programs from their places and forgets all maps, of every version. What is not there is no error.</summary>
    /// <returns>Whether there was anything.</returns>
    public bool Remove()
    {
        var versions = AllVersions();
        foreach (var version in versions)
        {
            var files = Directory.GetFiles(version).ToLookup(IsLink);
            foreach (var link in files[true])
            {
                RemoveLink(link);
            }

            foreach (var map in files[false])
            {
                File.Delete(map);
            }

            Directory.Delete(version);
        }

        RemoveIfEmpty(Root);
        return versions.Count > 0;
    }

    /// <summary>Removes a folder in which nothing is pinned. It may stay where that is not ours to do.</summary>
    public static void RemoveIfEmpty(string folder)
    {
        try
        {
            if (Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any())
            {
                Directory.Delete(folder);
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Made by root for a daemon that is not.
        }
    }

    /// <summary>The interfaces that links are pinned for, in order.</summary>
    public IReadOnlyList<string> LinkNames()
    {
        if (!Directory.Exists(Folder))
        {
            return [];
        }

        return [.. Directory.EnumerateFiles(Folder, LinkPrefix + "*")
            .Select(path => Unescape(Path.GetFileName(path)[LinkPrefix.Length..]))
            .Order(StringComparer.Ordinal)];
    }

    /// <summary>The folders of all versions of the ABI.</summary>
    public IReadOnlyList<string> AllVersions() => !Directory.Exists(Root)
        ? []
        : [.. Directory.EnumerateDirectories(Root, "v*").Where(path => int.TryParse(Path.GetFileName(path)[1..], CultureInfo.InvariantCulture, out _))];

    private static bool IsLink(string path) => Path.GetFileName(path).StartsWith(LinkPrefix, StringComparison.Ordinal);

    /// <summary>bpffs takes no dots, and a pin's name must tell its interface's: <c>eth0.10</c> is <c>eth0=2E10</c>.</summary>
    internal static string Escape(string interfaceName)
    {
        var name = new StringBuilder();
        foreach (var b in Encoding.UTF8.GetBytes(interfaceName))
        {
            if (char.IsAsciiLetterOrDigit((char)b) || b is (byte)'_' or (byte)'-')
            {
                name.Append((char)b);
            }
            else
            {
                name.Append(CultureInfo.InvariantCulture, $"={b:X2}");
            }
        }

        return name.ToString();
    }

    internal static string Unescape(string pinName)
    {
        var bytes = new List<byte>();
        for (var i = 0; i < pinName.Length; i++)
        {
            if (pinName[i] == '=' && i + 2 < pinName.Length
                && byte.TryParse(pinName.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var b))
            {
                bytes.Add(b);
                i += 2;
            }
            else
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(pinName, i, 1));
            }
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }

    private static void MakeFolder(string folder)
    {
        if (!Directory.Exists(folder))
        {
            Directory.CreateDirectory(folder);
            _ = BpfLibc.ChangeMode(folder, FolderMode);
        }
    }

    private unsafe void RequireBpfFileSystem()
    {
        var existing = Root;
        while (!Directory.Exists(existing) && Path.GetDirectoryName(existing) is { } parent)
        {
            existing = parent;
        }

        var buffer = stackalloc long[32];
        if (BpfLibc.StatFileSystem(existing, buffer) < 0)
        {
            throw new BpfException("statfs", existing, Marshal.GetLastPInvokeError());
        }

        if (buffer[0] != BpfLibc.BpfFileSystem)
        {
            throw new PinnedStateException(
                $"the pin folder {Root} does not lie on a BPF file system ({existing} is of another type): mount -t bpf bpf /sys/fs/bpf");
        }
    }
}
