namespace SoftUnicast.BgpSpeaker;

/// <summary>How the BGP daemon beside us is. In every state but <see cref="Running"/> the last learned table is held.</summary>
public enum GobgpState
{
    /// <summary>Nobody answers on its socket.</summary>
    Absent = 0,

    /// <summary>The socket takes calls, but they are not answered in time.</summary>
    Hung = 1,

    /// <summary>It answers, but does not speak the control interface of GoBGP 3.</summary>
    Unsupported = 2,

    /// <summary>It runs as somebody else (another AS or router id, neighbours that are not ours): nothing in it is touched.</summary>
    Refused = 3,

    /// <summary>It answers; policies, routes and neighbours are being set and its table read.</summary>
    Starting = 4,

    /// <summary>It has everything that we announce, and is followed.</summary>
    Running = 5,
}
