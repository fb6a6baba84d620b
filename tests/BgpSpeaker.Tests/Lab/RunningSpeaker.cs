using System.Collections.Concurrent;
using SoftUnicast.Model;

namespace SoftUnicast.BgpSpeaker.Tests.Lab;

/// <summary>A speaker whose loop runs until it is disposed.</summary>
internal sealed class RunningSpeaker : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly Task running;

    public RunningSpeaker(SpeakerOptions options)
    {
        Speaker = new Speaker(options, TimeProvider.System, Notices.Enqueue);
        running = Task.Run(() => Speaker.RunAsync(stop.Token));
    }

    public Speaker Speaker { get; }

    public ConcurrentQueue<SpeakerNotice> Notices { get; } = [];

    public SpeakerStatus Status => Speaker.Status;

    /// <param name="number">1: ams-1, 2: ams-2, 3: fra-1; it speaks from 10.9.0.NUMBER.</param>
    public static SpeakerOptions Options(string socket, int number, params NeighbourOptions[] neighbours) => new()
    {
        SocketPath = socket,
        Fleet = TestFleet.TheFleet,
        ServerName = number switch { 1 => "ams-1", 2 => "ams-2", _ => "fra-1" },
        ListenAddresses = [IpAddress.Parse($"10.9.0.{number}")],
        Neighbours = [.. neighbours],
        ProbeInterval = TimeSpan.FromMilliseconds(200),
        RetryInterval = TimeSpan.FromMilliseconds(50),
        ProbeDeadline = TimeSpan.FromSeconds(2),
    };

    /// <summary>A neighbour that connects to us, which is quicker than gobgpd's own 5 to 10 s.</summary>
    public static NeighbourOptions Neighbour(string address, int number, uint asn, params Scope[] scopes) =>
        new(IpAddress.Parse(address), asn, [.. scopes]) { LocalAddress = IpAddress.Parse($"10.9.0.{number}"), Passive = true, Multihop = asn == TestFleet.Asn ? null : 2 };

    public Task UntilAsync(Func<SpeakerStatus, bool> condition, string what, int seconds = 40) =>
        BgpLab.UntilAsync(() => running.IsFaulted || condition(Status), what, () => running.IsFaulted ? running.Exception : Describe(), seconds);

    public Task UntilLearnedAsync(Func<LearnedTable, bool> condition, string what, int seconds = 40) =>
        BgpLab.UntilAsync(() => running.IsFaulted || condition(Speaker.Learned), what, () => running.IsFaulted ? running.Exception : Describe(), seconds);

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await running;
        stop.Dispose();
    }

    private string Describe() =>
        $"{Status}\nproblem: {Status.Problem}\nsessions: {string.Join('\n', Status.Sessions)}\nrejected: {string.Join('\n', Status.RecentlyRejected)}\nlearned: {string.Join('\n', Speaker.Learned.Routes)}\nnotices: {string.Join('\n', Notices)}";
}
