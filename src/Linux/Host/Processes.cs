using System.Globalization;
using SoftUnicast.Egress.SharingOut;

namespace SoftUnicast.Linux.Host;

/// <summary>Processes by what proc(5) says of them. One that is gone, or another of the same number, is null.</summary>
public static class Processes
{
    /// <summary>The process of that number now. Start time: field 22 of /proc/PID/stat, behind the name, which may hold anything.</summary>
    public static ProcessName? Of(int processId)
    {
        try
        {
            var text = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/stat"));
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return fields is ["Z" or "X", ..] ? null : new ProcessName(processId, ulong.Parse(fields[19], CultureInfo.InvariantCulture));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or IOException)
        {
            return null;
        }
    }

    /// <summary>Does exactly this process live?</summary>
    public static bool IsAlive(ProcessName process) => Of(process.Id) == process;

    /// <summary>Its command name, at most 15 bytes; a question mark if it is gone.</summary>
    public static string CommandOf(int processId)
    {
        try
        {
            return File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/comm")).TrimEnd('\n');
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or IOException)
        {
            return "?";
        }
    }
}
