namespace SoftUnicast.Config;

/// <summary>An operator's text inside a message.</summary>
internal static class Quoted
{
    private const int Longest = 60;

    /// <summary>The text, cut after 60 characters, with what a terminal should not see replaced.</summary>
    public static string Short(string text)
    {
        var cut = text.Length > Longest ? string.Concat(text.AsSpan(0, Longest), "...") : text;
        return cut.All(CharacterRules.IsShowable) ? cut : string.Concat(cut.Select(c => CharacterRules.IsShowable(c) ? c : '\uFFFD'));
    }
}
