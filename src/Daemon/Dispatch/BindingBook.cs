using System.Collections.Immutable;
using System.Text;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.Dispatch;

/// <summary>The bindings that commands made, one a line, in a file that is replaced as a whole before a change takes effect.</summary>
internal sealed class BindingBook
{
    private const string Head = "# Made by softunicastc bind, which keeps this file. A binding a line: LABEL tcp|udp PREFIX PORTS.\n";
    private readonly string path;

    private BindingBook(string path, ImmutableArray<Binding> bindings, string? problem)
    {
        this.path = path;
        Bindings = bindings;
        Problem = problem;
    }

    /// <summary>In their order.</summary>
    public ImmutableArray<Binding> Bindings { get; private set; }

    /// <summary>Why the file could not be read: it is left alone, and nothing is written over it. Null: it was read.</summary>
    public string? Problem { get; }

    public static BindingBook Open(string path)
    {
        try
        {
            return Read(path, File.Exists(path) ? File.ReadAllLines(path) : []);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new BindingBook(path, [], $"{path} cannot be read: {e.Message}");
        }
    }

    /// <exception cref="IOException">It could not be written; the former bindings stand.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    public void Replace(IEnumerable<Binding> bindings)
    {
        if (Problem is not null)
        {
            throw new IOException(Problem);
        }

        ImmutableArray<Binding> sorted = [.. bindings.Order()];
        DurableFile.Replace(path, Encoding.UTF8.GetBytes(Head + string.Concat(sorted.Select(b => $"{b}\n"))));
        Bindings = sorted;
    }

    private static BindingBook Read(string path, string[] lines)
    {
        var bindings = new List<Binding>();
        for (var i = 0; i < lines.Length; i++)
        {
            if (lines[i].Length == 0 || lines[i][0] == '#')
            {
                continue;
            }

            var words = lines[i].Split(' ');
            var error = "it is not LABEL tcp|udp PREFIX PORTS";
            if (words.Length != 4 || Binding.TryParse(words[0], words[1], words[2], words[3], out error) is not { } binding)
            {
                return new BindingBook(path, [], FormattableString.Invariant($"{path}:{i + 1}: {error}"));
            }

            bindings.Add(binding);
        }

        return new BindingBook(path, [.. bindings.Order()], null);
    }
}
