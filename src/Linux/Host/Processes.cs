using System.Globalization;
using SoftUnicast.Egress.SharingOut;

namespace SoftUnicast.Linux.Host;

/// <summary>Processes by what proc(5) says of them.</summary>
public static class Processes
{
    /// <summary>The process of that number now; null: there is none. Start time: field 22 of /proc/PID/stat, behind the name, which may hold anything.</summary>
    /// <exception cref="IOException">It could not be looked at, which says nothing about whether it lives.</exception>
    public static ProcessName? Of(int processId)
    {
        try
        {
            var text = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/stat"));
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return fields is ["Z" or "X", ..] ? null : new ProcessName(processId, ulong.Parse(fields[19], CultureInfo.InvariantCulture));
        }
        catch (IOException e) when (e is FileNotFoundException or DirectoryNotFoundException || e.HResult == Libc.ESRCH)
        {
            return null; // not there, or gone between open(2) and read(2)
        }
    }

    /// <summary>Does exactly this process live?</summary>
    /// <exception cref="IOException">It could not be looked at.</exception>
    public static bool IsAlive(ProcessName process) => Of(process.Id) == process;

    /// <summary>Its command name, at most 15 bytes; a question mark if it is gone, or cannot be looked at.</summary>
    public static string CommandOf(int processId)
    {
        try
        {
            return File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/comm")).TrimEnd('\n');
        }
        catch (IOException)
        {
            return "?";
        }
    }
}
