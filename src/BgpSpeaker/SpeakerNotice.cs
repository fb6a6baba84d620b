using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.BgpSpeaker;

/// <summary>Something that happened, for the log. Rejected routes are not told one by one: peers could fill the log with them.</summary>
public abstract record SpeakerNotice
{
    /// <summary>gobgpd is in another state than before.</summary>
    public sealed record GobgpChanged(GobgpState From, GobgpState To, string? Problem, string? NextStep) : SpeakerNotice;

    /// <summary>A session is in another state than before.</summary>
    public sealed record SessionChanged(IpAddress Neighbour, SessionState From, SessionState To, string? Problem) : SpeakerNotice;

    /// <summary>gobgpd has everything that is to be announced.</summary>
    public sealed record RoutesInstalled(int Count, TimeSpan Took) : SpeakerNotice;

    /// <summary>Routes were rejected since the last notice of this kind, which comes at most every ten seconds.</summary>
    public sealed record RoutesRejected(long Count, RejectedRoute Last) : SpeakerNotice;
}
