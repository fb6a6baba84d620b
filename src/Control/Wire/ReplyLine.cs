using System.Globalization;

namespace SoftUnicast.Control.Wire;

/// <summary>A line of a reply, read.</summary>
/// <param name="Number">Its code; that of the line before for a line that leaves it out.</param>
/// <param name="Last">True for the line that ends the reply.</param>
/// <param name="Raw">As it came.</param>
public readonly record struct ReplyLine(int Number, string Text, bool Last, string Raw)
{
    /// <summary>
    /// Reads <c>NNNN-text</c>, <c>NNNN text</c> or, after another line of the reply, <c> text</c>.
    /// </summary>
    /// <param name="before">Code of the line before, or null at the start of a reply.</param>
    public static bool TryParse(string raw, int? before, out ReplyLine line)
    {
        ArgumentNullException.ThrowIfNull(raw);
        line = default;
        if (raw.Length > 0 && raw[0] == ' ' && before is { } number)
        {
            line = new ReplyLine(number, raw[1..], false, raw);
            return true;
        }

        if (raw.Length < 5 || raw[4] is not (' ' or '-')
            || !int.TryParse(raw.AsSpan(0, 4), NumberStyles.None, CultureInfo.InvariantCulture, out number))
        {
            return false;
        }

        line = new ReplyLine(number, raw[5..], raw[4] == ' ', raw);
        return true;
    }
}
