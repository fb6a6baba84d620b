namespace SoftUnicast.Cli.Interactive;

/// <summary>What a key asks for beyond changing the line.</summary>
internal enum EditorRequest
{
    None,
    Accept,
    Complete,
    Help,
    Discard,
    End,
    ClearScreen,
}

/// <summary>A line being edited, with the lines before it. Knows keys, and neither terminal nor grammar.</summary>
internal sealed class LineEditor
{
    private const int HistoryLines = 500;
    private readonly List<string> history = [];
    private int place;
    private string unfinished = "";

    public string Text { get; private set; } = "";

    /// <summary>0 to the text's length.</summary>
    public int Cursor { get; private set; }

    /// <summary>Begins a new line.</summary>
    public void Clear()
    {
        Set("");
        place = history.Count;
    }

    /// <summary>Keeps an accepted line, unless it is empty or the same as the last.</summary>
    public void Remember(string line)
    {
        if (line.Trim().Length > 0 && (history.Count == 0 || history[^1] != line))
        {
            history.Add(line);
            if (history.Count > HistoryLines)
            {
                history.RemoveAt(0);
            }
        }
    }

    /// <summary>Puts text in place of what stands between a column and the cursor.</summary>
    public void Replace(int from, string text)
    {
        Text = Text[..from] + text + Text[Cursor..];
        Cursor = from + text.Length;
    }

    public EditorRequest Press(ConsoleKeyInfo key)
    {
        if (key.Modifiers.HasFlag(ConsoleModifiers.Control))
        {
            return PressControl(key.Key);
        }

        switch (key.Key)
        {
            case ConsoleKey.Enter:
                return EditorRequest.Accept;
            case ConsoleKey.Tab:
                return EditorRequest.Complete;
            case ConsoleKey.Backspace when Cursor > 0:
                Text = Text.Remove(Cursor - 1, 1);
                Cursor--;
                return EditorRequest.None;
            case ConsoleKey.Delete when Cursor < Text.Length:
                Text = Text.Remove(Cursor, 1);
                return EditorRequest.None;
            case ConsoleKey.LeftArrow:
                Cursor = Math.Max(0, Cursor - 1);
                return EditorRequest.None;
            case ConsoleKey.RightArrow:
                Cursor = Math.Min(Text.Length, Cursor + 1);
                return EditorRequest.None;
            case ConsoleKey.Home:
                Cursor = 0;
                return EditorRequest.None;
            case ConsoleKey.End:
                Cursor = Text.Length;
                return EditorRequest.None;
            case ConsoleKey.UpArrow:
                Recall(-1);
                return EditorRequest.None;
            case ConsoleKey.DownArrow:
                Recall(1);
                return EditorRequest.None;
        }

        if (key.KeyChar == '?')
        {
            return EditorRequest.Help;
        }

        if (!char.IsControl(key.KeyChar))
        {
            Text = Text.Insert(Cursor, key.KeyChar.ToString());
            Cursor++;
        }

        return EditorRequest.None;
    }

    private EditorRequest PressControl(ConsoleKey key)
    {
        switch (key)
        {
            case ConsoleKey.C:
                return EditorRequest.Discard;
            case ConsoleKey.D when Text.Length == 0:
                return EditorRequest.End;
            case ConsoleKey.D when Cursor < Text.Length:
                Text = Text.Remove(Cursor, 1);
                break;
            case ConsoleKey.A:
                Cursor = 0;
                break;
            case ConsoleKey.E:
                Cursor = Text.Length;
                break;
            case ConsoleKey.U:
                Text = Text[Cursor..];
                Cursor = 0;
                break;
            case ConsoleKey.K:
                Text = Text[..Cursor];
                break;
            case ConsoleKey.W:
                var start = Text[..Cursor].TrimEnd().LastIndexOf(' ') + 1;
                Text = Text[..start] + Text[Cursor..];
                Cursor = start;
                break;
            case ConsoleKey.P:
                Recall(-1);
                break;
            case ConsoleKey.N:
                Recall(1);
                break;
            case ConsoleKey.J or ConsoleKey.M:
                return EditorRequest.Accept;
            case ConsoleKey.L:
                return EditorRequest.ClearScreen;
        }

        return EditorRequest.None;
    }

    private void Recall(int step)
    {
        var next = Math.Clamp(place + step, 0, history.Count);
        if (next == place)
        {
            return;
        }

        if (place == history.Count)
        {
            unfinished = Text;
        }

        place = next;
        Set(place == history.Count ? unfinished : history[place]);
    }

    private void Set(string text)
    {
        Text = text;
        Cursor = text.Length;
    }
}
