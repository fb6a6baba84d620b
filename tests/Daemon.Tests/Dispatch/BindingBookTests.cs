using SoftUnicast.Daemon.Dispatch;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.Tests.Dispatch;

public sealed class BindingBookTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("softunicast-bindings-").FullName;

    private string File => Path.Combine(folder, "state", "bindings");

    [Fact]
    public void What_was_bound_is_there_again_and_can_be_read_by_a_person()
    {
        var book = BindingBook.Open(File);
        Assert.Empty(book.Bindings);

        book.Replace([Of("www tcp 198.51.96.0/20 443"), Of("dns udp 2001:db8::/44 any")]);

        Assert.Equal(
            "# Made by softunicastc bind, which keeps this file. A binding a line: LABEL tcp|udp PREFIX PORTS.\nwww tcp 198.51.96.0/20 443\ndns udp 2001:db8::/44 any\n",
            System.IO.File.ReadAllText(File));
        Assert.Equal(book.Bindings, BindingBook.Open(File).Bindings);
        Assert.Equal([File], Directory.GetFiles(Path.GetDirectoryName(File)!));
    }

    [Theory]
    [InlineData("www tcp 198.51.96.0/20\n", "bindings:1: it is not LABEL tcp|udp PREFIX PORTS")]
    [InlineData("# one\nwww tcp 198.51.96.0/20 80\nwww tcp 198.51.96.1/20 443\n", "bindings:3: '198.51.96.1/20' has bits set behind its length: 198.51.96.0/20 is the prefix, 198.51.96.1 the address")]
    public void A_damaged_file_is_named_left_alone_and_not_written_over(string text, string problem)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(File)!);
        System.IO.File.WriteAllText(File, text);

        var book = BindingBook.Open(File);

        Assert.EndsWith(problem, book.Problem, StringComparison.Ordinal);
        Assert.Empty(book.Bindings);
        Assert.Throws<IOException>(() => book.Replace([]));
        Assert.Equal(text, System.IO.File.ReadAllText(File));
    }

    [Fact]
    public void What_cannot_be_written_leaves_what_was()
    {
        var book = BindingBook.Open(File);
        book.Replace([Of("www tcp 198.51.96.0/20 443")]);
        Directory.CreateDirectory(File + ".new"); // in the way

        Assert.ThrowsAny<SystemException>(() => book.Replace([]));

        Assert.Single(book.Bindings);
        Assert.Single(BindingBook.Open(File).Bindings);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static Binding Of(string text) => text.Split(' ') is var w ? Binding.TryParse(w[0], w[1], w[2], w[3], out var error) ?? throw new FormatException(error) : null!;
}
