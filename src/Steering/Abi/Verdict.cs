namespace SoftUnicast.Steering.Abi;

/// <summary>What a packet got (<c>enum su_verdict</c>).</summary>
public enum Verdict
{
    /// <summary>To the kernel's own stack, as it came.</summary>
    Pass = 0,

    /// <summary>Into a tunnel.</summary>
    Steer = 1,

    /// <summary>Out of a tunnel, to the kernel's own stack.</summary>
    Decapsulate = 2,

    /// <summary>Out of one tunnel into another.</summary>
    Transit = 3,

    /// <summary>Turned round as an echo reply.</summary>
    Answer = 4,

    Drop = 5,
}
