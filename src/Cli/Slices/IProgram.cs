namespace SoftUnicast.Cli.Slices;

/// <summary>A program cannot be run.</summary>
internal sealed class ProgramException(string message, int status) : Exception(message)
{
    /// <summary>127: there is none; 126: it cannot be executed. As env(1) has it.</summary>
    public int Status { get; } = status;
}

/// <summary>Turns this process into another program.</summary>
internal interface IProgram
{
    /// <summary>Takes the program's name already, for those who write down who has a slice.</summary>
    /// <param name="program">By path or by name.</param>
    void TakeName(string program);

    /// <summary>Does not return.</summary>
    /// <param name="words">The program, by path or to be found in PATH, and its arguments.</param>
    /// <exception cref="ProgramException">It cannot be run.</exception>
    void Become(IReadOnlyList<string> words);
}
