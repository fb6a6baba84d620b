using SoftUnicast.Model;

namespace SoftUnicast.Naming;

/// <summary>Who answers a query, and with what.</summary>
public enum AnswerKind
{
    /// <summary>The authoritative server behind: no policy matches, or the policy's default says so.</summary>
    Authoritative = 0,

    /// <summary>One address.</summary>
    Address = 1,

    /// <summary>Nothing is left to answer, not even a default: SERVFAIL.</summary>
    Nothing = 2,
}

/// <param name="Policy">Whose answer it is: the one that matched or one of its defaults. Null unless the rules answer.</param>
/// <param name="Pool">The pool that the address is of; null without one.</param>
public readonly record struct NamingAnswer(AnswerKind Kind, IpAddress Address, int TtlSeconds, string? Policy, string? Pool);
