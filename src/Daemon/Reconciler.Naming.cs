using System.Collections.Immutable;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.Naming;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon;

/// <content>DNS answers by policy, in the loop's hands.</content>
internal sealed partial class Reconciler
{
    private NamingService? naming;

    /// <summary>For the loop: between two passes. Null: no name is answered here.</summary>
    public NamingService? NamingService => naming;

    /// <summary>What dispatch counts by address (<see cref="NamingInputs.Counters"/>); null: this server dispatches nothing.</summary>
    private Func<IReadOnlyDictionary<IpAddress, ulong>>? AddressCounters => dispatch is { } counting ? counting.ReadAddresses : null;

    /// <summary>After it is known what is announced: only that is answered.</summary>
    private void KeepNaming(ImmutableArray<IpPrefix> announced, ImmutableArray<Problem>.Builder problems)
    {
        if (configuration is { Server.Naming: not null, Naming: not null })
        {
            var inputs = new NamingInputs(configuration, announced, AddressCounters);
            naming ??= new NamingService(inputs, time, new FolderSync());
            naming.Pass(inputs, problems);
        }
        else if (naming?.TryLeave(problems) == true)
        {
            naming.Dispose();
            naming = null;
        }
    }
}
