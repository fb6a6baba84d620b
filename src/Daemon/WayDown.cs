using System.Collections.Immutable;
using SoftUnicast.BgpSpeaker;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.Dispatch;
using SoftUnicast.Daemon.Egress;
using SoftUnicast.Daemon.Naming;
using SoftUnicast.Linux.Host;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Daemon;

/// <param name="NotWithdrawn">Why gobgpd may go on to announce what it had, or null.</param>
internal sealed record WentDown(ImmutableArray<DownStep> Steps, string? NotWithdrawn);

/// <summary>
/// The way down, in the order that loses nothing: names first, so that nobody is sent here any more; then the prefixes, so that
/// nothing new lands here; when that has ended, what this server and its datacenter own; when nothing comes by tunnel any more, the packet path.
/// </summary>
internal sealed class WayDown(
    PacketPath packetPath, RunningSpeaker running, EgressService? egress, DispatchService? dispatch, NamingService? naming, TimeProvider time, ServiceNotifier notifier)
{
    /// <summary>Traffic has ended when none came for this long.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(2);

    /// <summary>Traffic that does not end is cut off after this long.</summary>
    private static readonly TimeSpan LongestDrain = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    /// <exception cref="InvalidOperationException">gobgpd cannot be told to withdraw, and it is not to be <paramref name="now"/>: nothing is done.</exception>
    public async Task<WentDown> GoAsync(Announcements announced, bool now, Func<DownStep, ValueTask> report, CancellationToken stopping)
    {
        var speaker = running.Speaker;
        if (!now && speaker.Status is { Gobgp: GobgpState.Hung or GobgpState.Refused } status)
        {
            throw new InvalidOperationException($"what is announced cannot be withdrawn: {status.Problem} ({status.NextStep}); 'down now' goes down all the same, and packets are lost");
        }

        string? notWithdrawn = null;
        var steps = ImmutableArray.CreateBuilder<DownStep>();
        async Task Step(string name, Func<Task<string>> action)
        {
            notifier.Status($"going down: {name}");
            var started = time.GetTimestamp();
            var step = new DownStep(name, await action().ConfigureAwait(false), time.GetElapsedTime(started));
            steps.Add(step);
            await report(step).ConfigureAwait(false);
        }

        if (naming is not null)
        {
            await Step("stop answering names", () => Task.FromResult(naming.StopAnswering())).ConfigureAwait(false);
        }

        if (!now)
        {
            await Step("withdraw prefixes", () =>
            {
                speaker.Announce(announced with { Internet = [], Services = [] });
                return Task.FromResult($"{announced.Internet.Length + announced.Services.Length} prefixes");
            }).ConfigureAwait(false);
            await Step("drain arrivals", () => DrainAsync(stopping, Reason.Delivered, Reason.Steered, Reason.EchoAnswered)).ConfigureAwait(false);
        }

        if (egress is not null)
        {
            // Nothing new begins here from now on; what the guard let out until now still comes back.
            await Step("end egress", () => Task.FromResult(egress.Remove())).ConfigureAwait(false);
        }

        if (dispatch is not null)
        {
            await Step("end dispatch", () => Task.FromResult(dispatch.Remove())).ConfigureAwait(false);
        }

        await Step("withdraw ownership", async () =>
        {
            var result = await speaker.WithdrawAllAsync(stopping).ConfigureAwait(false);
            notWithdrawn = result.Problem;
            return result.Problem ?? $"{result.Routes} routes, {result.Neighbours} neighbours";
        }).ConfigureAwait(false);
        if (!now)
        {
            await Step("drain tunnels", () => DrainAsync(stopping, Reason.Decapsulated, Reason.CarriedOn)).ConfigureAwait(false);
        }

        await Step("take the packet path away", () => Task.FromResult(packetPath.Remove())).ConfigureAwait(false);
        return new WentDown(steps.ToImmutable(), notWithdrawn);
    }

    private async Task<string> DrainAsync(CancellationToken stopping, params Reason[] reasons)
    {
        var started = time.GetTimestamp();
        var lastCount = Count(reasons);
        var lastSeen = started;
        ulong seen = 0;
        while (time.GetElapsedTime(lastSeen) < Quiet)
        {
            if (time.GetElapsedTime(started) >= LongestDrain)
            {
                return $"{seen} packets, and still more after {LongestDrain.TotalSeconds:0} s: what is left is cut off";
            }

            notifier.KeepAlive();
            await Task.Delay(Look, time, stopping).ConfigureAwait(false);
            var count = Count(reasons);
            if (count != lastCount)
            {
                seen += count - lastCount;
                lastCount = count;
                lastSeen = time.GetTimestamp();
            }
        }

        return $"{seen} packets, then none for {Quiet.TotalSeconds:0} s";
    }

    private ulong Count(Reason[] reasons)
    {
        Span<SuCounter> counters = stackalloc SuCounter[AbiLimits.Reasons];
        packetPath.Maps.ReadCounters(counters);
        var sum = reasons.Contains(Reason.Delivered) ? dispatch?.Hits ?? 0 : 0;
        foreach (var reason in reasons)
        {
            sum += counters[(int)reason].Packets;
        }

        return sum;
    }
}
