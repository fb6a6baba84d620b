using System.Collections.Immutable;
using SoftUnicast.BgpSpeaker;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.State;

namespace SoftUnicast.Daemon;

/// <content>Files that are read again, in the loop's hands: refused before anything is touched, or taken whole.</content>
internal sealed partial class Reconciler
{
    private ImmutableArray<string> reloadProblems = [];

    /// <summary>Takes new files in: by the loop, between two passes. Nothing is half applied.</summary>
    public async Task ReloadAsync(DaemonConfiguration next)
    {
        if (WhyNotTaken(next) is { IsEmpty: false } because)
        {
            RejectReload(because);
            return;
        }

        SpeakerOptions options;
        try
        {
            options = RunningSpeaker.OptionsOf(next);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            RejectReload([$"a BGP password cannot be read: {e.Message}"]);
            return;
        }

        reloadProblems = [];
        if (!options.IsSameAs(speaker.Options))
        {
            // The new speaker knows nothing yet: what the old one knew stays in force until it does.
            held = [.. State.Ownership.Owners.Where(o => o.Target is not null)];
            ownersAwaitedSince = null;
            await speaker.DisposeAsync().ConfigureAwait(false);
            speaker = RunningSpeaker.Start(options, time, Signal);
        }

        configuration = next;
        Log.Info("configuration loaded: assignment generation {Generation}", next.Assignment.Generation);
    }

    /// <summary>The files on disk are not usable: what runs goes on, and says so.</summary>
    public void RejectReload(IEnumerable<string> problems)
    {
        reloadProblems = [.. problems];
        Log.Error("the configuration was not taken: {Problems}", string.Join("; ", reloadProblems));
    }

    private ImmutableArray<string> WhyNotTaken(DaemonConfiguration next)
    {
        var (now, then) = (configuration.Server, next.Server);
        if (then.PinsPath != now.PinsPath || then.Sockets != now.Sockets || then.Server != now.Server)
        {
            return ["the name of the server, pins and sockets cannot change while the daemon runs: restart it (packets go on)"];
        }

        if (then.Egress?.AttributionPath != now.Egress?.AttributionPath || then.Egress?.Quarantine != now.Egress?.Quarantine)
        {
            return ["whether slices are handed out, the attribution log and the quarantine cannot change while the daemon runs: restart it (packets go on)"];
        }

        if (then.Dispatch is { } dispatched && now.Dispatch is { } before && dispatched.StatePath != before.StatePath)
        {
            return ["'state' of 'dispatch' cannot change while the daemon runs: restart it (connections go on)"];
        }

        if (Naming.NamingService.CannotTake(now.Naming, then.Naming) is { } whyNot)
        {
            return [whyNot];
        }

        // Named while it is not there, it would close the gate: all that this server announces would be withdrawn for a misspelt name.
        ImmutableArray<string> absent =
        [
            .. then.Interfaces.Select(i => i.Name).Except(now.Interfaces.Select(i => i.Name)).Where(name => network.LinkNamed(name) is null)
                .Select(name => $"{next.File}: there is no interface '{name}': see 'ip link'; make it first"),
        ];
        return absent.IsEmpty ? WhyNotCarried(next) : absent;
    }

    /// <summary>What keeps the packet path from carrying what new files say; empty: nothing. Refused later, it would close the gate.</summary>
    private ImmutableArray<string> WhyNotCarried(DaemonConfiguration next)
    {
        var ignored = ImmutableArray.CreateBuilder<Problem>();
        var ownership = Ownership.Resolve(next.Fleet, next.Self, next.Assignment, [.. speaker.Speaker.Learned.Routes]).With(held);
        var compiled = Compile(next, ownership, Devices.Find(next.Server.Interfaces, network.Links.Values, ignored), ignored);
        return compiled.Table is null ? compiled.Errors : packetPath.WhyNot(compiled.Table) is { } refusal ? [refusal] : [];
    }
}
