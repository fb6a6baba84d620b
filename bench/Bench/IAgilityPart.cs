namespace SoftUnicast.Bench;

/// <summary>What a part of <c>bench/run agility</c> found.</summary>
internal interface IAgilityPart
{
    /// <summary>For a program, in order.</summary>
    IEnumerable<KeyValuePair<string, object?>> Figures { get; }

    /// <summary>For a person, with the goals and whether they are met.</summary>
    string ToText();
}
