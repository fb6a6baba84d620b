namespace SoftUnicast.BgpSpeaker;

/// <summary>How a call to the daemon failed.</summary>
internal enum GobgpFailure
{
    /// <summary>There is no socket.</summary>
    Absent = 0,

    /// <summary>There is a socket, but nobody listens on it.</summary>
    Refused = 1,

    /// <summary>The socket may not be opened.</summary>
    Denied = 2,

    /// <summary>The deadline passed.</summary>
    Hung = 3,

    /// <summary>The service or the method does not exist there, or it is no gRPC at all.</summary>
    Unsupported = 4,

    /// <summary>The daemon answered with an error, or the connection broke in the middle.</summary>
    Failed = 5,
}

/// <summary>A call to the daemon failed: an environment's error, named with the call.</summary>
internal sealed class GobgpException(GobgpFailure failure, string call, string detail, Exception? inner)
    : Exception($"{call}: {detail}", inner)
{
    public GobgpFailure Failure { get; } = failure;
}
