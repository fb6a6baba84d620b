using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace SoftUnicast.Linux.Bpf;

/// <summary>
/// What libbpf says while something runs on this thread. Some reasons (a pinned map that does not fit, for one) come only
/// this way. Without a listener libbpf is silent.
/// </summary>
internal sealed unsafe class LibbpfLog : IDisposable
{
    private const int WarningLevel = 0;
    private const int LineBytes = 4096;

    [ThreadStatic]
    private static StringBuilder? sink;

    private readonly StringBuilder said = new();
    private readonly StringBuilder? outer;

    static LibbpfLog() => Libbpf.SetPrint(&Print);

    private LibbpfLog()
    {
        outer = sink;
        sink = said;
    }

    /// <summary>Starts listening on this thread, until disposed.</summary>
    public static LibbpfLog Listen() => new();

    /// <summary>The warnings so far, without libbpf's prefix, on one line.</summary>
    public string Text => string.Join(
        "; ",
        said.ToString()
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Where(line => !line.Contains("PROG LOAD LOG", StringComparison.Ordinal))
            .Select(line => line.StartsWith("libbpf: ", StringComparison.Ordinal) ? line[8..] : line)
            .Take(6));

    public void Dispose() => sink = outer;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Print(int level, byte* format, nint arguments)
    {
        if (level != WarningLevel || sink is not { Length: < 65536 } listener)
        {
            return 0;
        }

        var line = stackalloc byte[LineBytes];
        var length = BpfLibc.Format(line, LineBytes, format, arguments);
        if (length > 0)
        {
            listener.Append(Encoding.UTF8.GetString(line, Math.Min(length, LineBytes - 1)));
        }

        return length;
    }
}
