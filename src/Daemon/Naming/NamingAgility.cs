using System.Collections.Immutable;
using SoftUnicast.Control;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Model;
using SoftUnicast.Naming;

namespace SoftUnicast.Daemon.Naming;

/// <summary>
/// The commands that move policies and drain pools. What would leave a query with nothing, or with less than it asks for, is
/// refused before anything is written.
/// </summary>
internal sealed class NamingAgility(NamingService service, TimeProvider time)
{
    private NamingRules Rules => service.Inputs.Rules;

    public Answer<AgilityMoveReply> Move(string policyName, string poolName)
    {
        if (Policy(policyName, out var policy) is { } noPolicy)
        {
            return noPolicy;
        }

        if (Pool(poolName, out var pool) is { } noPool)
        {
            return noPool;
        }

        var before = From(policy);
        if (before is [var only] && only == poolName)
        {
            return new AgilityMoveReply(policyName, before, before, service.Agility.MoveOf(policyName) is not null, policy.TtlSeconds, null);
        }

        foreach (var type in NamingTypes.Each(TypesOf(policy)))
        {
            if (CannotTake(policy, pool, type) is { } refusal)
            {
                return refusal;
            }
        }

        // To the pool that the file says: that is the end of the move.
        if (policy.Pools is [var filePool] && filePool.Pool == poolName)
        {
            return Take(service.Agility.WithoutMove(policyName), policy, before);
        }

        var earlier = service.Agility.MoveOf(policyName)?.Old ?? [];
        return Take(
            service.Agility.With(new PolicyMove(
                policyName, poolName, [.. earlier.Union(before).Where(p => p != poolName).Distinct()], time.GetUtcNow(), TtlNow(policy))),
            policy,
            before);
    }

    public Answer<AgilityMoveReply> End(string policyName)
    {
        if (service.Agility.MoveOf(policyName) is not { } move)
        {
            return Policy(policyName, out _) ?? new ErrorReply(ReplyCode.PolicyUnknown, $"policy '{policyName}' is not moved", "show agility lists the moves");
        }

        var next = service.Agility.WithoutMove(policyName);
        if (Rules.Policy(policyName) is not { } policy)
        {
            // It was not in force: nothing is answered differently.
            return Take(next, new NamingPolicy(policyName, null, [], default, move.TtlSeconds, null, false), [move.To]);
        }

        return LeftWithNothing(next) is { } left
            ? new ErrorReply(ReplyCode.AgilityRefused, $"without the move {left}", "show naming says why nothing of its pools is answered")
            : Take(next, policy, From(policy));
    }

    public Answer<AgilityDrainReply> Drain(string poolName, bool undo)
    {
        var (state, known) = (service.Agility, service.Agility.DrainOf(poolName) is not null);
        if (!(undo && known) && Pool(poolName, out _) is { } noPool)
        {
            return noPool;
        }

        if (undo && !known)
        {
            return new ErrorReply(ReplyCode.PolicyUnknown, $"pool '{poolName}' is not drained by command", "show agility lists what is");
        }

        var next = undo ? state.WithoutDrain(poolName) : known ? state : state.With(new PoolDrain(poolName, time.GetUtcNow()));
        if (!undo && LeftWithNothing(next) is { } left)
        {
            return new ErrorReply(ReplyCode.AgilityRefused, $"with pool '{poolName}' drained {left}", "move the policy to another pool first, or give it a default");
        }

        var policies = Rules.Policies.Where(p => From(p).Contains(poolName)).ToArray();
        var reply = new AgilityDrainReply(poolName, undo, [.. policies.Select(p => p.Name)], policies.Select(p => p.TtlSeconds).DefaultIfEmpty(0).Max(), null);
        return ReferenceEquals(next, state) ? reply : Kept(next, out var behind) is { } error ? error : reply with { Behind = behind };
    }

    private Answer<AgilityMoveReply> Take(AgilityState next, NamingPolicy policy, ImmutableArray<string> before)
    {
        var ttl = TtlNow(policy);
        return Kept(next, out var behind) is { } error
            ? error
            : new AgilityMoveReply(policy.Name, before, From(policy), service.Agility.MoveOf(policy.Name) is not null, ttl, behind);
    }

    private ErrorReply? Kept(AgilityState next, out string? behind)
    {
        behind = null;
        if (service.Table is null)
        {
            return new ErrorReply(ReplyCode.NotReady, "the daemon is starting: nothing is announced yet", "try again in a moment");
        }

        if (service.AgilityDamage is { } damage)
        {
            return new ErrorReply(ReplyCode.AgilityNotKept, $"nothing is changed: {damage}", "correct the file, or move it away");
        }

        try
        {
            behind = service.Take(next);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new ErrorReply(ReplyCode.AgilityNotKept, $"nothing is changed: it cannot be written down: {e.Message}", "make room on its file system, or give the file back to this user");
        }
    }

    /// <summary>Pools that it answers from now, by the move in force or by the file.</summary>
    private ImmutableArray<string> From(NamingPolicy policy) =>
        service.Agility.MoveOf(policy.Name) is { } move && service.Inputs.NotApplied(move) is null ? [move.To] : [.. policy.Pools.Select(p => p.Pool)];

    /// <summary>The longest TTL of what it answers with now, which may be a default's.</summary>
    private int TtlNow(NamingPolicy policy)
    {
        var table = service.TableWith(service.Agility);
        return NamingTypes.Each(TypesOf(policy)).Select(t => table.Choice(policy, t)).Where(c => c.Kind == ChoiceKind.Addresses)
            .Select(c => c.TtlSeconds).Append(policy.TtlSeconds).Max();
    }

    /// <summary>What it may be asked for: by its own match, and as the default of others.</summary>
    private AddressTypes TypesOf(NamingPolicy policy)
    {
        var types = AddressTypes.None;
        var reached = new HashSet<string>(StringComparer.Ordinal);
        var open = new Queue<NamingPolicy>([policy]);
        while (open.TryDequeue(out var next))
        {
            if (reached.Add(next.Name))
            {
                types |= next.Match?.Types ?? AddressTypes.None;
                foreach (var other in Rules.Policies.Where(p => p.Default == next.Name))
                {
                    open.Enqueue(other);
                }
            }
        }

        return types;
    }

    private ErrorReply? CannotTake(NamingPolicy policy, NamingPool pool, AddressTypes type)
    {
        var text = NamingTypes.Text(type);
        var prefixes = pool.Prefixes.Where(p => p.IsIPv6 == (type == AddressTypes.Aaaa)).ToArray();
        var state = service.Inputs.State(service.Agility, ImmutableDictionary<IpAddress, long>.Empty);
        var (because, next) =
            prefixes.Length == 0 ? ($"policy '{policy.Name}' answers {text}, and pool '{pool.Name}' has no {(type == AddressTypes.A ? "IPv4" : "IPv6")} address", "choose a pool that has, or add a prefix to it in naming.yaml")
            : pool.Drained ? ($"pool '{pool.Name}' is drained in {service.Inputs.Naming.FilePath}", "take 'drained' out there and reload")
            : state.Drained.Contains(pool.Name) ? ($"pool '{pool.Name}' is drained by command", $"agility undrain {pool.Name}")
            : !prefixes.Any(state.IsAnnounced) ? ($"nothing of pool '{pool.Name}' that answers {text} is announced here: {string.Join(", ", prefixes)}", "announce it first (show prefixes), or list it in also-announced if somebody else does")
            : (null, null);
        return because is null ? null : new ErrorReply(ReplyCode.AgilityRefused, because, next);
    }

    /// <summary>A policy that answers now and would have nothing left, not even a default; null: none.</summary>
    private string? LeftWithNothing(AgilityState next)
    {
        var (before, after) = (service.TableWith(service.Agility), service.TableWith(next));
        foreach (var policy in after.PoliciesHere())
        {
            foreach (var type in NamingTypes.Each(policy.Match!.Types))
            {
                if (after.Choice(policy, type).Kind == ChoiceKind.Nothing && before.Choice(policy, type).Kind != ChoiceKind.Nothing)
                {
                    return $"policy '{policy.Name}' would have nothing to answer {NamingTypes.Text(type)} with, and no default";
                }
            }
        }

        return null;
    }

    private ErrorReply? Policy(string name, out NamingPolicy policy)
    {
        policy = Rules.Policy(name)!;
        return policy is null ? Unknown("policy", name, Rules.Policies.Select(p => p.Name)) : null;
    }

    private ErrorReply? Pool(string name, out NamingPool pool)
    {
        pool = Rules.Pool(name)!;
        return pool is null ? Unknown("pool", name, Rules.Pools.Select(p => p.Name)) : null;
    }

    private ErrorReply Unknown(string what, string name, IEnumerable<string> known) => new(
        ReplyCode.PolicyUnknown,
        $"{service.Inputs.Naming.FilePath} has no {what} '{name}'",
        Suggestion.For(name, known) is { } near ? $"did you mean '{near}'?" : $"there are: {string.Join(", ", known.Take(10))}{(known.Count() > 10 ? ", ..." : "")}");
}
