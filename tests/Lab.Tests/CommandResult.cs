namespace SoftUnicast.Lab.Tests;

/// <summary>What a command answered.</summary>
public sealed record CommandResult(string Command, int ExitStatus, string Output, string Errors)
{
    /// <summary>The output, if the command succeeded; else the test ends with what it said.</summary>
    public string Succeeded()
    {
        if (ExitStatus != 0)
        {
            Assert.Fail($"{Command}: exit {ExitStatus}\n{Output}\n{Errors}");
        }

        return Output;
    }
}
