using System.Collections.Immutable;
using SoftUnicast.Config;
using SoftUnicast.Control;
using SoftUnicast.Dispatch;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.Dispatch;

/// <summary>Who may register for which label: the configuration's names, looked up in the databases of users and groups.</summary>
internal sealed class LabelRules
{
    private readonly ImmutableArray<LabelRights> rights;
    private readonly RegistrationRules rules;

    private LabelRules(ImmutableArray<LabelRights> rights, RegistrationRules rules, ImmutableArray<string> problems)
    {
        (this.rights, this.rules) = (rights, rules);
        Problems = problems;
    }

    /// <summary>Users and groups that there are not: they are let in by nothing.</summary>
    public ImmutableArray<string> Problems { get; }

    public IEnumerable<Label> Labels => rights.Select(r => r.Label);

    public static LabelRules Of(ImmutableArray<LabelRights> rights)
    {
        var problems = ImmutableArray.CreateBuilder<string>();
        var rules = new RegistrationRules(
            [.. rights.Select(r => new RegistrationRule(r.Label, [.. Ids(r, r.Users, UserId.Of)], [.. Ids(r, r.Groups, GroupId.Of)]))]);
        return new LabelRules(rights, rules, problems.ToImmutable());

        IEnumerable<uint> Ids(LabelRights of, ImmutableArray<string> names, Func<string, uint> idOf)
        {
            foreach (var name in names)
            {
                uint id;
                try
                {
                    id = idOf(name);
                }
                catch (SystemCallException e)
                {
                    problems.Add($"label {of.Label}: {e.Message}");
                    continue;
                }

                yield return id;
            }
        }
    }

    /// <returns>Null: it may.</returns>
    public string? Refusal(Label label, ControlPeer peer) =>
        rules.Refusal(label, new Registrant(peer.UserId, peer.Groups.IsDefaultOrEmpty ? [peer.GroupId] : peer.Groups));

    /// <summary>As the configuration names them.</summary>
    public ImmutableArray<string> Names(Label label) =>
        [.. rights.Where(r => r.Label == label).SelectMany(r => r.Users.Select(u => $"user {u}").Concat(r.Groups.Select(g => $"group {g}")))];
}
