using System.Globalization;

namespace SoftUnicast.Egress.Attribution;

/// <summary>
/// <c>attribution-2026-11-22.jsonl</c>: the UTC day on which the file was begun. A day that has more than one, because the
/// clock was set back to it, has <c>attribution-2026-11-22.1.jsonl</c> and so on.
/// </summary>
internal readonly record struct LogFileName(DateOnly Day, int Part) : IComparable<LogFileName>
{
    public const string Prefix = "attribution-";
    public const string Suffix = ".jsonl";

    public static bool TryParse(string text, out LogFileName name)
    {
        name = default;
        if (!text.StartsWith(Prefix, StringComparison.Ordinal) || !text.EndsWith(Suffix, StringComparison.Ordinal)
            || text.Length < Prefix.Length + 10 + Suffix.Length)
        {
            return false;
        }

        var part = 0;
        var rest = text.AsSpan(Prefix.Length + 10, text.Length - Prefix.Length - 10 - Suffix.Length);
        if (!DateOnly.TryParseExact(text.AsSpan(Prefix.Length, 10), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            || !(rest.IsEmpty || (rest[0] == '.' && int.TryParse(rest[1..], NumberStyles.None, CultureInfo.InvariantCulture, out part) && part > 0)))
        {
            return false;
        }

        name = new LogFileName(day, part);
        return name.ToString() == text;
    }

    public static DateOnly DayOf(DateTimeOffset time) => DateOnly.FromDateTime(time.UtcDateTime);

    public int CompareTo(LogFileName other) => Day != other.Day ? Day.CompareTo(other.Day) : Part.CompareTo(other.Part);

    public override string ToString()
    {
        var day = Day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        return Part == 0 ? $"{Prefix}{day}{Suffix}" : string.Create(CultureInfo.InvariantCulture, $"{Prefix}{day}.{Part}{Suffix}");
    }

    public static bool operator <(LogFileName left, LogFileName right) => left.CompareTo(right) < 0;

    public static bool operator >(LogFileName left, LogFileName right) => left.CompareTo(right) > 0;

    public static bool operator <=(LogFileName left, LogFileName right) => left.CompareTo(right) <= 0;

    public static bool operator >=(LogFileName left, LogFileName right) => left.CompareTo(right) >= 0;
}
