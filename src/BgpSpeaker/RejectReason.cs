namespace SoftUnicast.BgpSpeaker;

/// <summary>Why a learned FlowSpec route does not count. Append only: the names stand in shows and alarms.</summary>
public enum RejectReason
{
    /// <summary>The NLRI or an attribute could not be read.</summary>
    Malformed = 0,

    /// <summary>More components, operands or communities than a route of ours can have.</summary>
    TooLarge = 1,

    /// <summary>A FlowSpec rule, but not an ownership route: other components, other operators, no single address.</summary>
    NotOwnership = 2,

    /// <summary>No redirect-to-IP action, several, or one beside other actions.</summary>
    MalformedAction = 3,

    /// <summary>The encapsulation that it names is unknown or contradicts itself.</summary>
    BadEncapsulation = 4,

    /// <summary>The address is in no pool.</summary>
    OutsidePools = 5,

    /// <summary>The redirect's target is no tunnel endpoint of the fleet.</summary>
    UnknownTarget = 6,

    /// <summary>The origin's router id is that of no server of the fleet.</summary>
    UnknownOrigin = 7,

    /// <summary>The target is another server's, or another datacenter's, endpoint.</summary>
    NotTheOwner = 8,

    /// <summary>The pool does not serve the origin's datacenter.</summary>
    DatacenterNotServed = 9,

    /// <summary>Not one whole slice that the pool may assign: misaligned, of another size, reserved, or its address is not to be assigned.</summary>
    NotASlice = 10,

    /// <summary>Not a part of an address cut at slice borders, or its address is not to be assigned.</summary>
    NotABlock = 11,

    /// <summary>It says that this server announced it: an echo.</summary>
    OwnRoute = 12,
}
