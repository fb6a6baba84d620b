namespace SoftUnicast.Config;

/// <summary>A YAML node as it was written: text stays text, and every node knows its place.</summary>
internal abstract class YamlNode(Place place)
{
    /// <summary>The text itself; for a list or map its first character; for a missing value its key.</summary>
    public Place Place { get; } = place;
}

internal sealed class YamlScalar(Place place, string text, bool isPlain) : YamlNode(place)
{
    public string Text { get; } = text;

    /// <summary>True for <c>key:</c> with nothing behind it. A quoted empty text is a text.</summary>
    public bool IsMissing { get; } = isPlain && text.Length == 0;
}

internal sealed class YamlList(Place place, List<YamlNode> items) : YamlNode(place)
{
    public List<YamlNode> Items { get; } = items;
}

internal readonly record struct YamlEntry(YamlScalar Key, YamlNode Value);

internal sealed class YamlMap(Place place, List<YamlEntry> entries) : YamlNode(place)
{
    /// <summary>In the order of the file, keys distinct.</summary>
    public List<YamlEntry> Entries { get; } = entries;
}

/// <summary>A node that was reported already: whoever meets it says nothing more about it.</summary>
internal sealed class YamlBroken(Place place) : YamlNode(place);
