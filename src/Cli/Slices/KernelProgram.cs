using SoftUnicast.Linux.Host;

namespace SoftUnicast.Cli.Slices;

/// <summary>execvp(3).</summary>
internal sealed class KernelProgram : IProgram
{
    // errno(3)
    private const int ENOENT = 2;
    private const int NotFound = 127;
    private const int NotExecutable = 126;

    /// <summary>comm of proc(5): the kernel cuts it at 15 bytes, and sets it anew at execve(2).</summary>
    public void TakeName(string program) => File.WriteAllText("/proc/self/comm", Path.GetFileName(program));

    public void Become(IReadOnlyList<string> words)
    {
        try
        {
            ProcessImage.Execute(words[0], words);
        }
        catch (SystemCallException e)
        {
            throw new ProgramException(e.Message, e.Errno == ENOENT ? NotFound : NotExecutable);
        }
    }
}
