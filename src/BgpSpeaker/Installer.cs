using System.Collections.Immutable;
using SoftUnicast.BgpSpeaker.Wire;
using SoftUnicast.Model;
using Api = SoftUnicast.BgpSpeaker.Gobgp;

namespace SoftUnicast.BgpSpeaker;

/// <summary>Neighbours stand in the daemon that the speaker did not make.</summary>
internal sealed class ForeignNeighbourException(string names) : Exception($"foreign neighbours: {names}")
{
    public string Names { get; } = names;
}

/// <summary>
/// Brings the daemon to what it should have, changing only what differs: stale neighbours out, policies, routes, then new neighbours. So
/// no session exists before its policy, and none starts with half of the routes.
/// </summary>
internal sealed class Installer(GobgpClient client, SpeakerOptions options)
{
    private readonly ExportPolicy policy = new(options.Fleet.Asn, options.Neighbours);

    /// <summary>Our routes in the daemon; null: not read since it came.</summary>
    public Dictionary<RouteName, PathAttributes>? Installed { get; private set; }

    /// <summary>How many of them there are of each scope.</summary>
    public ImmutableSortedDictionary<Scope, int> Counts { get; private set; } = ImmutableSortedDictionary<Scope, int>.Empty;

    /// <summary>True once all neighbours of the configuration are in the daemon.</summary>
    public bool NeighboursPlaced { get; private set; }

    /// <summary>The daemon is gone or may have changed: everything has to be read again.</summary>
    public void Forget()
    {
        Installed = null;
        Counts = ImmutableSortedDictionary<Scope, int>.Empty;
        NeighboursPlaced = false;
    }

    public Task StartAsync(CancellationToken cancellation)
    {
        var global = new Api.Global
        {
            Asn = options.EffectiveAsn,
            RouterId = options.EffectiveRouterId.ToString(),
            ListenPort = options.ListenPort,
        };
        global.ListenAddresses.AddRange(options.ListenAddresses.Select(a => a.ToString()));
        return client.StartBgpAsync(global, cancellation);
    }

    /// <param name="desired">
    /// Null: what is to be announced is not known yet. Then a daemon that has neighbours stays as it is, and an empty one gets its
    /// policies only.
    /// </param>
    /// <exception cref="ForeignNeighbourException">Before anything was touched.</exception>
    public async Task ReconcileAsync(IReadOnlyDictionary<RouteName, PathAttributes>? desired, CancellationToken cancellation)
    {
        var peers = await client.ListPeersAsync(countAdvertised: false, cancellation).ConfigureAwait(false);
        var diff = Neighbours.Diff(peers, options.Neighbours, options.RestartTime);
        if (diff.Foreign.Count > 0)
        {
            throw new ForeignNeighbourException(string.Join(", ", diff.Foreign));
        }

        if (desired is null && peers.Count > 0)
        {
            NeighboursPlaced = diff.Add.Count == 0;
            await EnsureListedAsync(cancellation).ConfigureAwait(false);
            return;
        }

        if (desired is not null)
        {
            foreach (var address in diff.Remove)
            {
                await client.DeletePeerAsync(address, cancellation).ConfigureAwait(false);
            }
        }

        await EnsurePolicyAsync(cancellation).ConfigureAwait(false);
        var installed = await EnsureListedAsync(cancellation).ConfigureAwait(false);
        if (desired is null)
        {
            return;
        }

        await ApplyRoutesAsync(installed, desired, cancellation).ConfigureAwait(false);
        foreach (var neighbour in diff.Add)
        {
            await client.AddPeerAsync(
                Neighbours.ToApi(neighbour, options.RestartTime, options.EffectiveAsn, restarting: peers.Count == 0), cancellation).ConfigureAwait(false);
        }

        NeighboursPlaced = true;
    }

    /// <summary>Takes back every route of ours, then removes our neighbours.</summary>
    /// <returns>Routes and neighbours that went.</returns>
    public async Task<(int Routes, int Neighbours)> WithdrawAllAsync(CancellationToken cancellation)
    {
        Installed = null;
        var installed = await EnsureListedAsync(cancellation).ConfigureAwait(false);
        var diff = await ApplyRoutesAsync(installed, new Dictionary<RouteName, PathAttributes>(), cancellation).ConfigureAwait(false);
        NeighboursPlaced = false;
        var peers = await client.ListPeersAsync(countAdvertised: false, cancellation).ConfigureAwait(false);
        var ours = Neighbours.Diff(peers, [], options.RestartTime).Remove;
        foreach (var address in ours)
        {
            await client.DeletePeerAsync(address, cancellation).ConfigureAwait(false);
        }

        return (diff.Withdraw.Count, ours.Count);
    }

    private async Task<RouteDiff> ApplyRoutesAsync(
        Dictionary<RouteName, PathAttributes> installed, IReadOnlyDictionary<RouteName, PathAttributes> desired, CancellationToken cancellation)
    {
        var diff = LocalRoutes.Diff(installed, desired);
        if (diff.IsEmpty)
        {
            return diff;
        }

        await client.AddPathsAsync(
            diff.Withdraw.Select(name => ToApi(name, PathAttributes.Empty, withdraw: true))
                .Concat(diff.Announce.Select(route => ToApi(route.Key, route.Value, withdraw: false))), cancellation).ConfigureAwait(false);
        foreach (var name in diff.Withdraw)
        {
            installed.Remove(name);
        }

        foreach (var (name, attributes) in diff.Announce)
        {
            installed[name] = attributes;
        }

        Count(installed);
        return diff;
    }

    private async Task<Dictionary<RouteName, PathAttributes>> EnsureListedAsync(CancellationToken cancellation)
    {
        if (Installed is null)
        {
            Installed = await ListInstalledAsync(cancellation).ConfigureAwait(false);
            Count(Installed);
        }

        return Installed;
    }

    private void Count(Dictionary<RouteName, PathAttributes> installed) => Counts = installed.Values
        .GroupBy(a => Scheme.ScopeOf(a, options.Fleet.Asn) ?? default).ToImmutableSortedDictionary(g => g.Key, g => g.Count());

    /// <summary>Local routes that carry a scope of ours. Others, which an operator may have added, cannot leave and are left alone.</summary>
    private async Task<Dictionary<RouteName, PathAttributes>> ListInstalledAsync(CancellationToken cancellation)
    {
        var installed = new Dictionary<RouteName, PathAttributes>();
        foreach (var family in Family.All)
        {
            await foreach (var path in client.ListPathsAsync(family, cancellation).ConfigureAwait(false))
            {
                if (IpAddress.TryParse(path.NeighborIp, out _))
                {
                    continue;
                }

                var attributes = PathAttributeReader.Read(path.PattrsBinary.Select(a => a.Memory));
                if (Scheme.ScopeOf(attributes, options.Fleet.Asn) is not null)
                {
                    installed[RouteName.Of(family, path.NlriBinary.Span)] = attributes;
                }
            }
        }

        return installed;
    }

    internal static Api.Path ToApi(RouteName name, PathAttributes attributes, bool withdraw)
    {
        var nlri = name.NlriBytes();
        var path = new Api.Path
        {
            Family = GobgpClient.ToApi(name.Family),
            NlriBinary = Google.Protobuf.ByteString.CopyFrom(nlri),
            IsWithdraw = withdraw,
        };
        path.PattrsBinary.AddRange(PathAttributeWriter.Write(name.Family, nlri, attributes).Select(a => Google.Protobuf.ByteString.CopyFrom(a)));
        return path;
    }

    private async Task EnsurePolicyAsync(CancellationToken cancellation)
    {
        const int import = 1, export = 2;
        const int reject = 2;
        var assignments = await client.ListPolicyAssignmentsAsync(cancellation).ConfigureAwait(false);
        if (InForce(import, policy.ImportName) && InForce(export, policy.Rules.IsEmpty ? null : policy.ExportName))
        {
            return;
        }

        var defined = (await client.ListPoliciesAsync(cancellation).ConfigureAwait(false)).Select(p => p.Name).ToHashSet();
        if (!defined.Contains(policy.ImportName))
        {
            await client.AddPolicyAsync(PolicyWriter.Import(policy), cancellation).ConfigureAwait(false);
        }

        if (!policy.Rules.IsEmpty && !defined.Contains(policy.ExportName))
        {
            foreach (var set in PolicyWriter.Sets(policy))
            {
                // A set of this name may be there in part from a run that was killed; adding to it makes it whole.
                await client.AddDefinedSetAsync(set, cancellation).ConfigureAwait(false);
            }

            await client.AddPolicyAsync(PolicyWriter.Export(policy), cancellation).ConfigureAwait(false);
        }

        await client.SetPolicyAssignmentAsync(
            PolicyWriter.Assignment(export, policy.Rules.IsEmpty ? null : policy.ExportName), cancellation).ConfigureAwait(false);
        await client.SetPolicyAssignmentAsync(PolicyWriter.Assignment(import, policy.ImportName), cancellation).ConfigureAwait(false);
        await RemoveStalePoliciesAsync(defined, cancellation).ConfigureAwait(false);

        bool InForce(int direction, string? name) => assignments.Any(a => a.Direction == direction && a.DefaultAction == reject
            && a.Policies.Select(p => p.Name).SequenceEqual(name is null ? [] : [name]));
    }

    private async Task RemoveStalePoliciesAsync(IEnumerable<string> defined, CancellationToken cancellation)
    {
        foreach (var name in defined.Where(policy.IsStale))
        {
            await client.DeletePolicyAsync(name, cancellation).ConfigureAwait(false);
        }

        foreach (var type in PolicyWriter.SetTypes)
        {
            foreach (var set in await client.ListDefinedSetsAsync(type, cancellation).ConfigureAwait(false))
            {
                if (policy.IsStale(set.Name))
                {
                    await client.DeleteDefinedSetAsync(set, cancellation).ConfigureAwait(false);
                }
            }
        }
    }
}
