using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;

namespace SoftUnicast.Control.Tests.Support;

/// <summary>Answers with the sample replies, and notes what it was asked.</summary>
internal sealed class SampleHandler : IControlHandler
{
    public List<ControlCommand> Asked { get; } = [];

    public Func<ShowSlices, Answer<SlicesReply>> Slices { get; set; } = c => c.Pool is null or "us-general"
        ? new SlicesReply("kernel", [.. Samples.Slices.Slices.Where(s => c.Server is null || s.Owner.Name == c.Server)])
        : new ErrorReply(ReplyCode.NotFound, $"no pool is named '{c.Pool}'", "show prefixes lists the pools");

    public Func<Task> BeforeStatus { get; set; } = () => Task.CompletedTask;

    public IKnownNames Names { get; } = new SampleNames();

    public async ValueTask<Answer<StatusReply>> ShowStatusAsync(CancellationToken cancellation)
    {
        Asked.Add(new ShowStatus());
        await BeforeStatus();
        return Samples.Status;
    }

    public ValueTask<Answer<BgpReply>> ShowBgpAsync(CancellationToken cancellation) => new(Samples.Bgp);

    public ValueTask<Answer<PrefixesReply>> ShowPrefixesAsync(CancellationToken cancellation) => new(Samples.Prefixes);

    public ValueTask<Answer<SlicesReply>> ShowSlicesAsync(ShowSlices command, CancellationToken cancellation)
    {
        Asked.Add(command);
        return new(Slices(command));
    }

    public ValueTask<Answer<SliceForReply>> ShowSliceForAsync(ShowSliceFor command, CancellationToken cancellation) => new(Samples.SliceFor);

    public ValueTask<Answer<TunnelsReply>> ShowTunnelsAsync(CancellationToken cancellation) => new(Samples.Tunnels);

    public ValueTask<Answer<DropsReply>> ShowDropsAsync(CancellationToken cancellation) => new(Samples.Drops);

    public ValueTask<Answer<HostReply>> ShowHostAsync(CancellationToken cancellation) => new(Samples.Host);

    public ValueTask<Answer<TraceReply>> TracePacketAsync(TracePacket command, CancellationToken cancellation)
    {
        Asked.Add(command);
        return new(Samples.Trace);
    }

    public async ValueTask<Answer<DownReply>> DownAsync(Down command, Func<DownStep, ValueTask> report, CancellationToken cancellation)
    {
        Asked.Add(command);
        foreach (var step in Samples.Down.Steps)
        {
            await report(step);
        }

        return Samples.Down;
    }

    private sealed class SampleNames : IKnownNames
    {
        public IEnumerable<string> Pools => ["us-general", "us-video", "de-general"];

        public IEnumerable<string> Servers => ["ams-1", "ams-2", "fra-1"];

        public IEnumerable<string> Interfaces => ["eth0", "eth1"];
    }
}
