namespace SoftUnicast.Egress.Life;

/// <summary>Where in its life a slice is, as seen by one server.</summary>
public enum SlicePhase
{
    /// <summary>Not used here, and nothing of it is left here.</summary>
    Free = 0,

    /// <summary>This server's, and open for new flows.</summary>
    Owned = 1,

    /// <summary>Opens nothing new; what is open is still steered here.</summary>
    Draining = 2,

    /// <summary>Nothing is open any more; waits until the peers have forgotten it (RFC 6888 requirement 8).</summary>
    Quarantined = 3,
}
