using System.Collections.Immutable;
using NLog;
using SoftUnicast.Config;
using SoftUnicast.Control.Replies;
using SoftUnicast.Egress.Abi;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Host;
using SoftUnicast.Linux.Net;
using SoftUnicast.Model;
using GuardReason = SoftUnicast.Egress.Abi.GuardReason;

namespace SoftUnicast.Daemon.Egress;

/// <summary>Keeps the guard on every configured interface, and tells what it drops.</summary>
internal sealed class GuardKeeper(string pins, Func<SocketDiagnostics> sockets, Func<int, string> interfaceName, TimeProvider time) : IDisposable
{
    private const int Remembered = 20;
    private static readonly Logger Log = LogManager.GetCurrentClassLogger();
    private PinnedGuard? guard;

    /// <summary>By the kernel's word, at the last pass.</summary>
    public ImmutableArray<GuardPlace> Places { get; private set; } = [];

    /// <summary>Newest first.</summary>
    public ImmutableArray<GuardEvent> Dropped { get; private set; } = [];

    public static string Name(SuGuardEvent dropped) => (GuardReason)dropped.Reason is var reason && Enum.IsDefined(reason) ? GuardReasons.Name(reason) : "unknown";

    /// <returns>Why it does not hold: nothing may be handed out.</returns>
    public ImmutableArray<Problem> Keep(ImmutableArray<InterfaceConfig> configured, ImmutableArray<string> present)
    {
        var problems = ImmutableArray.CreateBuilder<Problem>();
        try
        {
            guard ??= PinnedGuard.LoadOrAdopt(pins);
        }
        catch (Exception e) when (e is SystemCallException or PinnedStateException or IOException)
        {
            Places = [.. configured.Select(c => new GuardPlace(c.Name, false, e.Message))];
            return [new Problem($"the guard is not loaded: {e.Message}", null)];
        }

        Places =
        [
            .. configured.Select(device =>
            {
                var problem = present.Contains(device.Name) ? Attach(device.Name) : "there is no such interface";
                if (problem is not null)
                {
                    problems.Add(new Problem($"the guard is not on {device.Name}: {problem}", null));
                }

                return new GuardPlace(device.Name, problem is null, problem);
            }),
        ];
        Tell();
        return problems.ToImmutable();
    }

    /// <summary>Packets and bytes by reason, from the kernel.</summary>
    public ImmutableArray<(GuardReason Reason, ulong Packets, ulong Bytes)> Counters()
    {
        var counters = new Steering.Abi.SuCounter[GuardReasons.Count];
        guard?.ReadCounters(counters);
        return [.. counters.Select((c, i) => ((GuardReason)i, c.Packets, c.Bytes))];
    }

    public void Remove(List<string> done)
    {
        guard?.Dispose();
        guard = null;
        var freed = PinnedGuard.Remove(pins);
        if (freed.Count > 0)
        {
            done.Add($"the guard is off {string.Join(", ", freed)}");
        }
    }

    public void Dispose() => guard?.Dispose();

    /// <returns>Why it is not there, or null.</returns>
    private string? Attach(string name)
    {
        try
        {
            var attachment = guard!.Attach(name);
            if (attachment.Change != AttachmentChange.None)
            {
                Log.Info("{Interface}: guard {Change}", name, attachment.Change == AttachmentChange.Swapped ? "swapped" : "attached");
            }

            return null;
        }
        catch (Exception e) when (e is GuardPlaceException or SystemCallException or IOException)
        {
            return e.Message;
        }
    }

    // At most an event a CPU in 100 ms comes out of the kernel; the log takes the first of a pass, the show the last ones.
    private void Tell()
    {
        var events = guard!.ReadEvents();
        if (events.Count == 0)
        {
            return;
        }

        var told = events.Select(Describe).ToImmutableArray();
        Dropped = [.. told.Reverse().Concat(Dropped).Take(Remembered)];
        Log.Warn("{Interface}: dropped {Packet}: {Reason}{Culprit}; {More} more like it since the last line", told[^1].Interface, told[^1].Packet, told[^1].Reason,
            told[^1].Culprit is { } culprit ? $", sent by {culprit}" : "", events.Sum(e => (long)e.Missed) + events.Count - 1);
    }

    private GuardEvent Describe(SuGuardEvent dropped)
    {
        var protocol = dropped.Protocol switch { 1 => "icmp", 6 => "tcp", 17 => "udp", 132 => "sctp", 136 => "udplite", var other => $"protocol {other}" };
        var source = IpAddress.FromUInt32(BitConverter.IsLittleEndian ? System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(dropped.SourceBe) : dropped.SourceBe);
        var destination = IpAddress.FromUInt32(BitConverter.IsLittleEndian ? System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(dropped.DestinationBe) : dropped.DestinationBe);
        return new GuardEvent(time.GetUtcNow(), interfaceName((int)dropped.OutIfindex), Name(dropped),
            $"{protocol} {source}:{dropped.SourcePort} > {destination}:{dropped.DestinationPort}", Culprits.Of(dropped, new SocketEnd(source, dropped.SourcePort), sockets(), interfaceName));
    }
}
