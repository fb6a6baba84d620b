using SoftUnicast.Model;

namespace SoftUnicast.Dispatch;

/// <summary>Who asks: the effective user of a process and all groups that it is in.</summary>
public sealed record Registrant(uint UserId, IReadOnlyCollection<uint> GroupIds);

/// <summary>These users, and members of these groups, may register and unregister sockets for a label.</summary>
/// <param name="Label">Null: for every label.</param>
public sealed record RegistrationRule(Label? Label, IReadOnlyCollection<uint> UserIds, IReadOnlyCollection<uint> GroupIds);

/// <summary>Who may register for which label. What no rule allows is refused, root's asking too.</summary>
public sealed class RegistrationRules(IEnumerable<RegistrationRule> rules)
{
    private readonly RegistrationRule[] rules = [.. rules];

    public static RegistrationRules None { get; } = new([]);

    /// <returns>Null: allowed; else why not.</returns>
    public string? Refusal(Label label, Registrant who)
    {
        ArgumentNullException.ThrowIfNull(label);
        ArgumentNullException.ThrowIfNull(who);
        var forLabel = rules.Where(r => r.Label is null || r.Label == label).ToList();
        if (forLabel.Exists(r => r.UserIds.Contains(who.UserId) || r.GroupIds.Intersect(who.GroupIds).Any()))
        {
            return null;
        }

        return forLabel.Count == 0
            ? $"nobody may register for label {label}: the configuration has no rule for it"
            : FormattableString.Invariant($"user {who.UserId} may not register for label {label}");
    }
}
