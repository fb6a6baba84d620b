namespace SoftUnicast.Cli;

/// <summary>Data go to one stream, errors to the other. A reader that has left is no error.</summary>
internal sealed class Output(TextWriter data, TextWriter error)
{
    public TextWriter Data => data;

    public TextWriter Error => error;

    public void Lines(IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            data.WriteLine(line);
        }

        data.Flush();
    }

    /// <summary>An error of this program: its name stands before it.</summary>
    public void Complain(string message)
    {
        data.Flush();
        error.WriteLine($"softunicastc: {message}");
    }
}
