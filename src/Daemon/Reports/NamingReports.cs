using System.Collections.Immutable;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.Naming;
using SoftUnicast.Model;
using SoftUnicast.Naming;

namespace SoftUnicast.Daemon.Reports;

/// <summary><c>show naming</c>, <c>trace query</c>, <c>show agility</c>.</summary>
internal static class NamingReports
{
    private const int PlacesShown = 2;

    public static NamingReply Naming(NamingService service)
    {
        var inputs = service.Inputs;
        var table = service.Table ?? service.TableWith(service.Agility);
        var here = table.PoliciesHere().ToHashSet();
        return new NamingReply(
            inputs.Naming.FilePath,
            table.State.Datacenter,
            table.State.Announced,
            [.. inputs.Rules.Policies.Select(p => Row(table, p, p.Match is null || here.Contains(p)))],
            [.. inputs.Rules.Pools.SelectMany(p => p.Prefixes.Select(x => new PoolPrefixRow(p.Name, x, NotAnswered(table.State, p, x))))],
            new DnsdistReport(service.Files.StatePath, service.Files.GenerationPath, service.Written?.Generation, service.Written?.At),
            inputs.Naming.PdnsSocketPath is not { } socket ? null
                : service.Pdns is { } c ? new PdnsReport(socket, true, c.Connections, c.Requests, c.Records, c.Nothing, c.Malformed, c.Refused)
                : new PdnsReport(socket, false, 0, 0, 0, 0, 0, 0));
    }

    public static QueryReply Query(NamingService service, TraceQuery command, Random random)
    {
        var table = service.Table ?? service.TableWith(service.Agility);
        var name = DnsName.Parse(command.Name);
        var trace = table.Trace(name, command.Type, random);
        var answer = trace.Answer;
        return new QueryReply(
            name.ToString(),
            NamingTypes.Text(command.Type),
            trace.Policy,
            trace.Policy is null ? trace.Place is null ? null : "except" : trace.IsSuffix ? "suffix" : "name",
            trace.Place,
            [.. trace.Attributes.Select(a => new NameTag(a.Key, a.Value))],
            [.. trace.Passed.Select(p => new PassedOver(p.Policy, p.Place, p.Because))],
            answer.Kind switch { AnswerKind.Address => "address", AnswerKind.Nothing => "nothing", _ => "authoritative" },
            answer.Kind == AnswerKind.Address ? answer.Policy : null,
            answer.Kind == AnswerKind.Address ? Strategy(trace.Choice!.Strategy) : null,
            answer.Kind == AnswerKind.Address ? answer.Address : null,
            answer.Pool,
            answer.Kind == AnswerKind.Address ? answer.TtlSeconds : null,
            Because(table, trace));
    }

    public static AgilityReply Agility(NamingService service) => new(
        service.Inputs.Naming.StatePath,
        [.. service.Agility.Moves.Select(m => service.WatchOf(m).Row(service.Inputs.NotApplied(m)))],
        [.. service.Agility.Drains.Select(d => new DrainedPoolRow(d.Pool, d.Since, service.Inputs.NotApplied(d)))]);

    private static PolicyRow Row(NamingTable table, NamingPolicy policy, bool here)
    {
        var types = policy.Match?.Types ?? policy.Pools.Aggregate(AddressTypes.None, (all, p) => all | (table.Rules.Pool(p.Pool)?.Types ?? AddressTypes.None));
        return new PolicyRow(
            policy.Name, Matches(policy.Match), here, Strategy(policy.Strategy), policy.TtlSeconds,
            [.. policy.Pools.Select(p => p.Weight == 1 ? p.Pool : FormattableString.Invariant($"{p.Pool}*{p.Weight}"))],
            table.State.Moves.GetValueOrDefault(policy.Name),
            types.HasFlag(AddressTypes.A) ? Answers(table, policy, AddressTypes.A) : null,
            types.HasFlag(AddressTypes.Aaaa) ? Answers(table, policy, AddressTypes.Aaaa) : null);
    }

    private static PolicyAnswers Answers(NamingTable table, NamingPolicy policy, AddressTypes type)
    {
        IEnumerable<string> pools = table.State.Moves.TryGetValue(policy.Name, out var moved) ? [moved] : policy.Pools.Select(p => p.Pool);
        var prefixes = pools.Select(table.Rules.Pool).OfType<NamingPool>()
            .SelectMany(p => p.Prefixes.Where(x => x.IsIPv6 == (type == AddressTypes.Aaaa)).Select(x => NotAnswered(table.State, p, x) is null)).ToArray();
        var choice = table.Choice(policy, type);
        return new PolicyAnswers(prefixes.Length, prefixes.Count(up => up), choice.Kind switch
        {
            ChoiceKind.Authoritative => "authoritative",
            ChoiceKind.Nothing => "nothing",
            _ => choice.Policy,
        });
    }

    private static string? NotAnswered(NamingState state, NamingPool pool, IpPrefix prefix) =>
        pool.Drained ? "drained in the file" : state.Drained.Contains(pool.Name) ? "drained by command" : state.IsAnnounced(prefix) ? null : "not announced here";

    private static string? Matches(NamingMatch? match)
    {
        if (match is null)
        {
            return null;
        }

        string[] places = [.. match.Names.Select(n => $"name {n}"), .. match.Suffixes.Select(s => $"suffix {s}")];
        string[] words =
        [
            .. places.Take(PlacesShown),
            .. places.Length > PlacesShown ? [FormattableString.Invariant($"{places.Length - PlacesShown} more")] : Array.Empty<string>(),
            .. match.Tags.Select(t => $"{t.Key}={string.Join('|', t.Value)}"),
            .. match.Types == AddressTypes.Both ? Array.Empty<string>() : [NamingTypes.Text(match.Types)],
        ];
        return string.Join(", ", words);
    }

    private static string Strategy(NamingStrategy strategy) => strategy switch
    {
        NamingStrategy.Hash => "hash",
        NamingStrategy.One => "one",
        NamingStrategy.LeastLoaded => "least-loaded",
        _ => "random",
    };

    private static string Because(NamingTable table, NamingTrace trace)
    {
        if (trace.Choice is not { } choice)
        {
            return trace.Place is { } left ? $"'except' leaves {left}, and all below it, to the authoritative server" : "no policy answers this name and type here";
        }

        var others = choice.Policy == trace.Policy ? "" : $"nothing of policy {trace.Policy} may be answered, so its default {choice.Policy} does: ";
        return choice.Kind switch
        {
            ChoiceKind.Nothing => "nothing of its pools may be answered, nor of its defaults: show naming says why",
            ChoiceKind.Authoritative => "nothing of its pools may be answered, and its default is authoritative",
            _ => others + choice.Strategy switch
            {
                NamingStrategy.Hash => "the hash of the name, the same on every server",
                NamingStrategy.One => "the first address that may be answered",
                NamingStrategy.LeastLoaded => $"of two draws the one with the lesser load ({table.State.Loads.GetValueOrDefault(trace.Answer.Address)}); another query may get another",
                _ => "one draw; another query may get another",
            },
        };
    }
}
