namespace SoftUnicast.Steering;

/// <summary>Who owns a slice, as this server sees it. <c>default</c>: nobody.</summary>
public readonly record struct SliceOwner
{
    private SliceOwner(bool isHere, SteeringEndpoint? endpoint)
    {
        IsHere = isHere;
        Endpoint = endpoint;
    }

    public static SliceOwner Unowned => default;

    public static SliceOwner Here => new(true, null);

    /// <summary>True if this server owns it.</summary>
    public bool IsHere { get; }

    /// <summary>Where its packets go, or null if it is owned here or by nobody.</summary>
    public SteeringEndpoint? Endpoint { get; }

    public static SliceOwner At(SteeringEndpoint endpoint)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        return new SliceOwner(false, endpoint);
    }

    public override string ToString() => IsHere ? "here" : Endpoint?.ToString() ?? "unowned";
}
