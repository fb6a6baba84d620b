using SoftUnicast.Cli.Interactive;

namespace SoftUnicast.Cli.Tests;

public sealed class LineEditorTests
{
    // Keys: < > left and right, ^ and v up and down, [ and ] home and end, B backspace, X delete; C-x control.
    [Theory]
    [InlineData("abc", "abc|")]
    [InlineData("abc<<x", "ax|bc")]
    [InlineData("abcB", "ab|")]
    [InlineData("abc<B", "a|c")]
    [InlineData("abc<<X", "a|c")]
    [InlineData("abc[x", "x|abc")]
    [InlineData("abc[]x", "abcx|")]
    [InlineData("B<X>", "|")]
    [InlineData("abc C-w", "|")]
    [InlineData("show st C-w", "show |")]
    [InlineData("abc<C-u", "|c")]
    [InlineData("abc<C-k", "ab|")]
    [InlineData("abcC-ax", "x|abc")]
    [InlineData("abc[C-d", "|bc")]
    public void Keys_edit_the_line(string keys, string shown)
    {
        var editor = new LineEditor();
        editor.Clear();
        Press(editor, keys);
        Assert.Equal(shown, editor.Text.Insert(editor.Cursor, "|"));
    }

    [Fact]
    public void Earlier_lines_come_back_and_the_unfinished_one_is_kept()
    {
        var editor = new LineEditor();
        foreach (var line in new[] { "one", "two", "two", "", "three" })
        {
            editor.Remember(line);
        }

        editor.Clear();
        Press(editor, "new");
        Press(editor, "^");
        Assert.Equal("three", editor.Text);
        Press(editor, "^^^^");
        Assert.Equal("one", editor.Text);
        Press(editor, "v");
        Assert.Equal("two", editor.Text);
        Press(editor, "vvv");
        Assert.Equal("new", editor.Text);
    }

    [Theory]
    [InlineData("?", "Help")]
    [InlineData("\t", "Complete")]
    [InlineData("\n", "Accept")]
    [InlineData("C-c", "Discard")]
    [InlineData("C-d", "End")]
    [InlineData("C-l", "ClearScreen")]
    public void Some_keys_ask_for_more(string key, string request)
    {
        var editor = new LineEditor();
        editor.Clear();
        Assert.Equal(request, Press(editor, key).ToString());
        Assert.Equal("", editor.Text);
    }

    [Fact]
    public void A_word_is_replaced_up_to_the_cursor()
    {
        var editor = new LineEditor();
        editor.Clear();
        Press(editor, "sh status<<<<<<<");
        editor.Replace(0, "show");
        Assert.Equal("show|  status".Replace("  ", " ", StringComparison.Ordinal), editor.Text.Insert(editor.Cursor, "|"));
    }

    private static EditorRequest Press(LineEditor editor, string keys)
    {
        var last = EditorRequest.None;
        for (var i = 0; i < keys.Length; i++)
        {
            if (keys[i] == 'C' && i + 2 < keys.Length && keys[i + 1] == '-')
            {
                last = editor.Press(new ConsoleKeyInfo('\0', Enum.Parse<ConsoleKey>(char.ToUpperInvariant(keys[i + 2]).ToString()), false, false, true));
                i += 2;
                continue;
            }

            last = editor.Press(keys[i] switch
            {
                '<' => Key(ConsoleKey.LeftArrow),
                '>' => Key(ConsoleKey.RightArrow),
                '^' => Key(ConsoleKey.UpArrow),
                'v' => Key(ConsoleKey.DownArrow),
                '[' => Key(ConsoleKey.Home),
                ']' => Key(ConsoleKey.End),
                'B' => Key(ConsoleKey.Backspace),
                'X' => Key(ConsoleKey.Delete),
                '\t' => Key(ConsoleKey.Tab),
                '\n' => Key(ConsoleKey.Enter),
                var c => new ConsoleKeyInfo(c, ConsoleKey.None, false, false, false),
            });
        }

        return last;
    }

    private static ConsoleKeyInfo Key(ConsoleKey key) => new('\0', key, false, false, false);
}
