namespace SoftUnicast.Model;

/// <summary>
/// The name that bindings and sockets meet under: 1 to 55 letters, digits, <c>-</c>, <c>_</c> and <c>.</c>, the first a letter or a digit.
/// </summary>
public sealed record Label : IComparable<Label>
{
    /// <summary>Longest name, in characters.</summary>
    public const int MaxLength = 55;

    private readonly string name;

    private Label(string name) => this.name = name;

    public static bool TryParse(string text, out Label label)
    {
        ArgumentNullException.ThrowIfNull(text);
        var isLabel = text.Length is > 0 and <= MaxLength && char.IsAsciiLetterOrDigit(text[0])
            && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
        label = new Label(isLabel ? text : "");
        return isLabel;
    }

    public static Label Parse(string text) => TryParse(text, out var label)
        ? label
        : throw new FormatException($"'{text}' is not a label: 1 to {MaxLength} letters, digits, '-', '_' and '.', the first a letter or a digit");

    public override string ToString() => name;

    public int CompareTo(Label? other) => string.CompareOrdinal(name, other?.name);

    public static bool operator <(Label left, Label right) => Comparer<Label>.Default.Compare(left, right) < 0;

    public static bool operator >(Label left, Label right) => Comparer<Label>.Default.Compare(left, right) > 0;

    public static bool operator <=(Label left, Label right) => Comparer<Label>.Default.Compare(left, right) <= 0;

    public static bool operator >=(Label left, Label right) => Comparer<Label>.Default.Compare(left, right) >= 0;
}
