namespace SoftUnicast.Bench;

/// <summary>What a bench found.</summary>
internal interface IBenchReport
{
    /// <summary>One object, for a program.</summary>
    string ToJson();

    /// <summary>For a person, with the goals and whether they are met.</summary>
    string ToText();
}
