using SoftUnicast.Control;

namespace SoftUnicast.Client;

/// <summary>A slice cannot be had, or not be used; the message says why and what would help.</summary>
public class SliceException : IOException
{
    public SliceException(string message)
        : base(message)
    {
    }

    public SliceException(string message, Exception inner)
        : base(message, inner)
    {
    }

    internal SliceException(ReplyCode code, string message)
        : base(message) => Code = code;

    /// <summary>What the daemon said; null: the error is not the daemon's.</summary>
    public ReplyCode? Code { get; }
}

/// <summary>The daemon took the lease back, or does not know it any more: close its sockets and lease again.</summary>
public sealed class LeaseRevokedException : SliceException
{
    internal LeaseRevokedException(ReplyCode code, string message)
        : base(code, message)
    {
    }
}

/// <summary>The daemon cannot be reached: it is down, or the socket is not for this user.</summary>
public sealed class DaemonUnreachableException(string message, Exception inner) : SliceException(message, inner);

/// <summary>Every slice of the lease is full towards this destination. Nothing existing is given up for a new connection.</summary>
public sealed class NoPortLeftException(string message, Exception? inner) : SliceException(message, inner!);

/// <summary>The kernel chose, or would choose, ports outside the slice; or it cannot choose within one at all.</summary>
public sealed class PortRangeException : SliceException
{
    internal PortRangeException(string message)
        : base(message)
    {
    }

    internal PortRangeException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
