using System.Runtime.InteropServices;

namespace SoftUnicast.Linux.Host;

/// <summary>Turns this process into another program, execvp(3): same process id, same cgroup, same standard streams.</summary>
public static unsafe partial class ProcessImage
{
    private const int SIGPIPE = 13;

    /// <summary>Does not return.</summary>
    /// <param name="file">A path, or a name to be found in PATH.</param>
    /// <param name="arguments">Beginning with the program's own name.</param>
    /// <exception cref="SystemCallException">It cannot be executed; ENOENT: there is no such program.</exception>
    public static void Execute(string file, IReadOnlyList<string> arguments)
    {
        ArgumentException.ThrowIfNullOrEmpty(file);
        ArgumentNullException.ThrowIfNull(arguments);
        ArgumentOutOfRangeException.ThrowIfZero(arguments.Count);
        Console.Out.Flush();
        Console.Error.Flush();

        // .NET ignores SIGPIPE, and what is ignored stays so in the next program.
        var former = Signal(SIGPIPE, 0);
        var vector = (byte**)NativeMemory.AllocZeroed((nuint)arguments.Count + 1, (nuint)sizeof(byte*));
        try
        {
            for (var i = 0; i < arguments.Count; i++)
            {
                vector[i] = (byte*)Marshal.StringToCoTaskMemUTF8(arguments[i]);
            }

            _ = ExecuteVp(file, vector);
            throw SystemCallException.Last("execvp", file, Marshal.GetLastPInvokeError() == Libc.ENOENT ? "no such program" : null);
        }
        finally
        {
            for (var i = 0; i < arguments.Count; i++)
            {
                Marshal.FreeCoTaskMem((nint)vector[i]);
            }

            NativeMemory.Free(vector);
            _ = Signal(SIGPIPE, former);
        }
    }

    [LibraryImport("libc", EntryPoint = "execvp", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ExecuteVp(string file, byte** arguments);

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint Signal(int signal, nint handler);
}
