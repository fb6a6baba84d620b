using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using SoftUnicast.Egress.Nat;

namespace SoftUnicast.Linux.Net;

/// <summary>nft refused something, or could not be run.</summary>
/// <param name="line">Of the script, from 1; null if nft named none.</param>
/// <param name="text">That line.</param>
public sealed class NftablesException(string message, int? line = null, string? text = null) : IOException(line is null
    ? $"nft: {message}"
    : string.Create(CultureInfo.InvariantCulture, $"nft: {message}, in line {line} of the script: {text}"))
{
    public int? Line { get; } = line;

    public string? Text { get; } = text;
}

/// <summary>
/// nftables by its own program, nft(8), in the network namespace of the calling thread. Tables of ours are written, read and
/// removed (<see cref="NatPlan.IsTable"/>); no other is ever named.
/// </summary>
/// <remarks>It needs CAP_NET_ADMIN and no more.</remarks>
public sealed partial class Nftables
{
    private const string CgroupRoot = "/sys/fs/cgroup";
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);
    private readonly string program;

    /// <param name="program">The nft to run; null: the one on PATH or in the usual folders of the system.</param>
    /// <exception cref="NftablesException">There is none.</exception>
    public Nftables(string? program = null)
    {
        this.program = program ?? Find() ?? throw new NftablesException("there is no such program: apt-get install nftables");
        CgroupMountPoint = MountedAt();
    }

    /// <summary>Where the cgroup2 file system is mounted; null if it is not.</summary>
    public string? CgroupMountPoint { get; }

    /// <summary>The same below /sys/fs/cgroup, where nft looks cgroups up; empty if it is that, null if it is elsewhere.</summary>
    public string? CgroupMount => CgroupMountPoint == CgroupRoot ? ""
        : CgroupMountPoint?.StartsWith(CgroupRoot + "/", StringComparison.Ordinal) == true ? CgroupMountPoint[(CgroupRoot.Length + 1)..] : null;

    /// <summary>The nft that would be run, or null.</summary>
    public static string? Find() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Concat(["/usr/local/sbin", "/usr/sbin", "/sbin"])
            .Select(folder => Path.Combine(folder, "nft"))
            .FirstOrDefault(File.Exists);

    /// <summary>Runs a script as one transaction: all of it takes effect, or nothing.</summary>
    /// <exception cref="NftablesException">nft refuses it; names its message and the line.</exception>
    public void Apply(string script)
    {
        ArgumentException.ThrowIfNullOrEmpty(script);
        var (status, _, errors) = Run(["-f", "-"], script);
        if (status != 0)
        {
            throw Refused(errors, script);
        }
    }

    /// <summary>What the kernel holds of a table of ours (family ip), or null if it is not there.</summary>
    public NftTable? Read(string table)
    {
        CheckOurs(table);
        var (status, output, errors) = Run(["-j", "list", "table", "ip", table], "");
        return status == 0 ? NftTable.Parse(table, output) : IsMissing(errors) ? null : throw Refused(errors, null);
    }

    /// <summary>Removes a table of ours. False if it is not there.</summary>
    public bool Remove(string table)
    {
        CheckOurs(table);
        var (status, _, errors) = Run(["delete", "table", "ip", table], "");
        return status == 0 || (IsMissing(errors) ? false : throw Refused(errors, null));
    }

    private static void CheckOurs(string table)
    {
        if (!NatPlan.IsTable(table))
        {
            throw new ArgumentException($"table '{table}' is not one of ours", nameof(table));
        }
    }

    private static bool IsMissing(string errors) => errors.Contains("No such file or directory", StringComparison.Ordinal);

    private static NftablesException Refused(string errors, string? script)
    {
        var advice = errors.Contains("Operation not permitted", StringComparison.Ordinal) ? " (it needs CAP_NET_ADMIN)" : "";
        var match = ErrorAtLine().Match(errors);
        if (match.Success && script is not null)
        {
            var line = int.Parse(match.Groups["line"].Value, CultureInfo.InvariantCulture);
            return new NftablesException(match.Groups["message"].Value.Trim() + advice, line, script.Split('\n').ElementAtOrDefault(line - 1)?.Trim());
        }

        var first = errors.Split('\n').Select(l => l.Trim()).FirstOrDefault(l => l.Length > 0) ?? "it failed and said nothing";
        return new NftablesException((first.StartsWith("Error: ", StringComparison.Ordinal) ? first["Error: ".Length..] : first) + advice);
    }

    private static string? MountedAt() => File.ReadLines("/proc/self/mountinfo")
        .Select(line => line.Split(' '))
        .Where(fields => Array.IndexOf(fields, "-") is > 4 and var dash && dash + 1 < fields.Length && fields[dash + 1] == "cgroup2" && fields[3] == "/")
        .Select(fields => fields[4])
        .OrderBy(path => path == CgroupRoot ? 0 : 1)
        .FirstOrDefault();

    private (int Status, string Output, string Errors) Run(string[] arguments, string input)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["LC_ALL"] = "C";
        using var process = Start(start);
        // Both pipes are read while it runs, or a long listing would stop it.
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        try
        {
            process.StandardInput.Write(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended before it had read everything, and says why.
        }

        if (!process.WaitForExit(Longest))
        {
            process.Kill(entireProcessTree: true);
            throw new NftablesException($"no end after {Longest.TotalSeconds} s");
        }

        return (process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new NftablesException($"{start.FileName} does not start: {e.Message}");
        }
    }

    [GeneratedRegex(@"^(?:/dev/stdin|-):(?<line>\d+):[\d-]+: Error: (?<message>.*)$", RegexOptions.Multiline)]
    private static partial Regex ErrorAtLine();
}
