using System.Collections.Immutable;
using NLog;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.State;
using SoftUnicast.Egress;
using SoftUnicast.Egress.Host;
using SoftUnicast.Egress.SharingOut;
using SoftUnicast.Linux.Host;
using SoftUnicast.Linux.Net;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.Egress;

/// <summary>Keeps sysctls and local routes as slices need them, and gives them back on the way down.</summary>
internal sealed class HostKeeper : IDisposable
{
    private static readonly Logger Log = LogManager.GetCurrentClassLogger();
    private readonly Rtnetlink kernel = new();
    private readonly HostSettings settings;

    /// <exception cref="IOException">The state file is not usable.</exception>
    public HostKeeper(DaemonConfiguration configuration)
    {
        try
        {
            settings = new HostSettings(
                Path.Combine(Path.GetDirectoryName(configuration.Server.Sockets.ControlPath)!, "host-settings.json"), kernel);
        }
        catch (FormatException e)
        {
            kernel.Dispose();
            throw new IOException(e.Message, e);
        }
    }

    /// <summary>What is as we made it.</summary>
    public ImmutableArray<ChangedSetting> Changed => [.. settings.Held.Select(h => new ChangedSetting(h.Name, h.Was, h.Is, h.Why))];

    /// <summary>By use: why it may not be served now.</summary>
    public ImmutableDictionary<SliceUse, string> Stopped { get; private set; } = ImmutableDictionary<SliceUse, string>.Empty;

    /// <summary>What is left for an operator to do.</summary>
    public ImmutableArray<Problem> Problems { get; private set; } = [];

    public void Keep(DaemonConfiguration configuration, IReadOnlyCollection<AddressPorts> own)
    {
        var needs = new HostNeeds([.. own.Select(s => configuration.Fleet.PoolOf(s.Address)!.Prefix).Distinct().Order()], [.. own.Order()])
        {
            Interfaces = [.. configuration.Server.Interfaces.Select(i => i.Name)],
            Forwards = !configuration.Server.Egress!.Nat.IsEmpty,
        };
        var outcome = configuration.Server.Egress.SetsKernel ? settings.Ensure(needs) : settings.Look(needs);
        foreach (var change in outcome.Changed)
        {
            Log.Info("{Setting} was {Was}, is {Is}: {Why}", change.Name, change.Was ?? "not there", change.Wanted, change.Why);
        }

        foreach (var change in outcome.Repaired)
        {
            Log.Warn("{Setting} was changed to {Was} by somebody, and is {Is} again: {Why}", change.Name, change.Was ?? "nothing", change.Wanted, change.Why);
        }

        Stopped = Enum.GetValues<SliceUse>().Select(use => (Use: use, Against: outcome.Against(use))).Where(u => !u.Against.IsEmpty)
            .ToImmutableDictionary(u => u.Use, u => string.Join("; ", u.Against));
        Problems = [.. outcome.Remarks.Where(r => !r.Stops.IsEmpty).Select(r => new Problem($"no slice is handed out for {string.Join(", ", r.Stops.Select(Sharing.Name))}: {r}", null))];
    }

    public void Restore(List<string> done)
    {
        var held = settings.Held.Length;
        var left = settings.Restore();
        if (held > 0)
        {
            done.Add(left.IsEmpty ? $"{held} kernel settings are given back" : $"kernel settings that could not be given back: {string.Join("; ", left)}");
        }
    }

    public void Dispose() => kernel.Dispose();
}
