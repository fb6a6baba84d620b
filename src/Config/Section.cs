namespace SoftUnicast.Config;

/// <summary>A map whose keys are words of the file format: hands out their values and reports the keys nobody knows.</summary>
internal sealed class Section
{
    private readonly DiagnosticBag bag;
    private readonly Dictionary<string, YamlEntry> entries = new(StringComparer.Ordinal);
    private readonly string owner;

    // Keys that an unknown one was probably meant to be: they are not missing, they are misspelt, and that is reported.
    private readonly HashSet<string> mistyped = new(StringComparer.Ordinal);

    private Section(DiagnosticBag bag, Place place, string owner)
    {
        this.bag = bag;
        this.owner = owner;
        Place = place;
    }

    /// <summary>Where to report a key that is missing.</summary>
    public Place Place { get; }

    /// <param name="at">The key that the map belongs to.</param>
    /// <param name="owner">What the map says something about, as in <c>pool 'us-general'</c>.</param>
    /// <returns>Null if the node is no map; that is reported.</returns>
    public static Section? Open(DiagnosticBag bag, YamlNode node, Place at, string owner, KeySet keys)
    {
        if (node is not YamlMap map)
        {
            if (node is not YamlBroken)
            {
                var known = string.Join(", ", keys.Keys);
                if (node is YamlScalar { IsMissing: true })
                {
                    bag.Error(node.Place, $"{owner} has no value", $"known here: {known}");
                }
                else
                {
                    bag.Error(node.Place, $"{owner} is a map, not {Values.Kind(node)}", $"known here: {known}");
                }
            }

            return null;
        }

        var section = new Section(bag, at, owner);
        foreach (var entry in map.Entries)
        {
            if (keys.Keys.Contains(entry.Key.Text))
            {
                section.entries.Add(entry.Key.Text, entry);
            }
            else
            {
                var near = bag.Nearest.Find(entry.Key.Text, keys.Keys);
                bag.Error(
                    entry.Key.Place,
                    $"unknown key '{Quoted.Short(entry.Key.Text)}' in {owner}",
                    near is null ? $"known here: {string.Join(", ", keys.Keys)}" : $"did you mean '{near}'?");
                if (near is not null)
                {
                    section.mistyped.Add(near);
                }
            }
        }

        return section;
    }

    public bool Has(string key) => entries.ContainsKey(key);

    /// <summary>The value of a key, or null if it is not there.</summary>
    public YamlNode? Optional(string key) => entries.TryGetValue(key, out var entry) ? entry.Value : null;

    /// <summary>The value of a key, or null after reporting that it is missing.</summary>
    public YamlNode? Required(string key, string? hint = null)
    {
        if (entries.TryGetValue(key, out var entry))
        {
            return entry.Value;
        }

        if (!mistyped.Contains(key))
        {
            bag.Error(Place, $"{owner} has no '{key}'", hint);
        }

        return null;
    }

    public Place KeyPlace(string key) => entries.TryGetValue(key, out var entry) ? entry.Key.Place : Place;
}
