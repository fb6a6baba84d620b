using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using SoftUnicast.Client.Tests.Support;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;

namespace SoftUnicast.Client.Tests;

/// <summary>One port, many destinations, and never two sockets with one 4-tuple.</summary>
public sealed class SharedUdpTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public Task Ten_times_more_flows_than_ports_and_every_datagram_comes_back_to_its_socket() => InNamespace.RunAsync(async () =>
    {
        const int ports = 64;
        const int destinations = 10;
        await using var daemon = new TestDaemon(new LeasingHandler("192.0.2.7:4096-4159"));
        await using var lease = await LeaseAsync(daemon);
        var origins = Enumerable.Range(1, destinations).Select(i => new Origin($"203.0.113.{i}", 53)).ToList();
        var sockets = new ConcurrentBag<Socket>();
        await Parallel.ForEachAsync(
            origins.SelectMany(o => Enumerable.Repeat(o, ports)).Shuffle().ToList(),
            new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Cancellation },
            async (origin, cancellation) => sockets.Add(await SharedUdp.ConnectAsync(lease, origin.EndPoint, cancellation)));

        Assert.Equal(ports * destinations, sockets.Count);
        Assert.Equal(ports * destinations, sockets.Select(s => (s.LocalEndPoint!.ToString(), s.RemoteEndPoint!.ToString())).Distinct().Count());
        Assert.All(sockets, s => Assert.InRange(((IPEndPoint)s.LocalEndPoint!).Port, 4096, 4159));

        // All at once, so that a datagram could come to the wrong socket.
        foreach (var socket in sockets)
        {
            await socket.SendAsync(Encoding.ASCII.GetBytes($"{socket.LocalEndPoint}>{socket.RemoteEndPoint}"), Cancellation);
        }

        foreach (var socket in sockets)
        {
            var buffer = new byte[128];
            var count = await socket.ReceiveAsync(buffer, Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
            Assert.Equal($"{socket.LocalEndPoint}>{socket.RemoteEndPoint}", Encoding.ASCII.GetString(buffer, 0, count));
            Assert.Equal(0, socket.Available);
        }

        await Assert.ThrowsAsync<NoPortLeftException>(() => SharedUdp.ConnectAsync(lease, origins[0].EndPoint, Cancellation));
        foreach (var socket in sockets)
        {
            socket.Dispose();
        }

        origins.ForEach(o => o.Dispose());
    });

    [Fact]
    public Task Of_many_that_want_one_destination_at_once_each_port_goes_to_one() => InNamespace.RunAsync(async () =>
    {
        await using var daemon = new TestDaemon(new LeasingHandler("192.0.2.7:4096-4111"));
        await using var lease = await LeaseAsync(daemon);
        var remote = new IPEndPoint(IPAddress.Parse("203.0.113.9"), 53);
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 40).Select(async _ =>
        {
            try
            {
                return await SharedUdp.ConnectAsync(lease, remote, Cancellation);
            }
            catch (NoPortLeftException)
            {
                return null;
            }
        }));

        var got = outcomes.OfType<Socket>().ToList();
        Assert.Equal(got.Count, got.Select(s => ((IPEndPoint)s.LocalEndPoint!).Port).Distinct().Count());
        got.ForEach(s => s.Dispose());

        // Nothing is left behind by those that lost.
        using var again = await SharedUdp.ConnectAsync(lease, remote, Cancellation);
    });

    [Fact]
    public Task A_port_that_is_closed_is_given_again() => InNamespace.RunAsync(async () =>
    {
        await using var daemon = new TestDaemon(new LeasingHandler("192.0.2.7:4096-4096"));
        await using var lease = await LeaseAsync(daemon);
        var remote = new IPEndPoint(IPAddress.Parse("203.0.113.9"), 53);
        for (var i = 0; i < 20; i++)
        {
            using var socket = await SharedUdp.ConnectAsync(lease, remote, Cancellation);
            await Assert.ThrowsAsync<NoPortLeftException>(() => SharedUdp.ConnectAsync(lease, remote, Cancellation));
        }
    });

    /// <summary>A client that stops before 'bound' longer than the hold lasts, while another takes its destination.</summary>
    [Fact]
    public Task A_client_that_comes_too_late_is_told_before_it_connects() => InNamespace.RunAsync(async () =>
    {
        await using var daemon = new TestDaemon(new LeasingHandler("192.0.2.7:4096-4096"));
        await using var lease = await LeaseAsync(daemon);
        var remote = new IPEndPoint(IPAddress.Parse("203.0.113.9"), 53);
        using var slow = await DaemonSession.OpenAsync(daemon.SocketPath, Cancellation);
        var hold = await slow.AskAsync<HoldReply>($"hold {lease.Id} to {remote}", Cancellation);
        Socket? other = null;
        while (other is null)
        {
            try
            {
                other = await SharedUdp.ConnectAsync(lease, remote, Cancellation);
            }
            catch (NoPortLeftException)
            {
                // The hold is in force.
            }
        }

        using var late = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        SetReuse(late, 1);
        late.Bind(new IPEndPoint(IPAddress.Parse("192.0.2.7"), hold.Port));
        SetReuse(late, 0);
        var error = await Assert.ThrowsAsync<SliceException>(() => slow.AskAsync<HoldReply>($"bound {hold.Token}", Cancellation));
        Assert.Equal(Control.ReplyCode.PortTaken, error.Code);
        other.Dispose();
    });

    /// <summary>A client that stops between 'bound' and connect: the kernel keeps everyone off the port meanwhile.</summary>
    [Fact]
    public Task A_client_that_stops_while_it_has_the_port_locked_keeps_it() => InNamespace.RunAsync(async () =>
    {
        await using var daemon = new TestDaemon(new LeasingHandler("192.0.2.7:4096-4096"));
        await using var lease = await LeaseAsync(daemon);
        var remote = new IPEndPoint(IPAddress.Parse("203.0.113.9"), 53);
        using var session = await DaemonSession.OpenAsync(daemon.SocketPath, Cancellation);
        var hold = await session.AskAsync<HoldReply>($"hold {lease.Id} to {remote}", Cancellation);
        using var stopped = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        SetReuse(stopped, 1);
        stopped.Bind(new IPEndPoint(IPAddress.Parse("192.0.2.7"), hold.Port));
        SetReuse(stopped, 0);
        Assert.Equal(HoldState.Yours, (await session.AskAsync<HoldReply>($"bound {hold.Token}", Cancellation)).State);

        // The daemon passes the port over; and were it to give it, the kernel would not.
        await Assert.ThrowsAsync<NoPortLeftException>(() => SharedUdp.ConnectAsync(lease, remote, Cancellation));
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        SetReuse(other, 1);
        Assert.Equal(SocketError.AddressAlreadyInUse, Assert.ThrowsAny<SocketException>(() => other.Bind(new IPEndPoint(IPAddress.Parse("192.0.2.7"), hold.Port))).SocketErrorCode);

        await stopped.ConnectAsync(remote, Cancellation);
        SetReuse(stopped, 1);
        await Assert.ThrowsAsync<NoPortLeftException>(() => SharedUdp.ConnectAsync(lease, remote, Cancellation));
        using var elsewhere = await SharedUdp.ConnectAsync(lease, new IPEndPoint(IPAddress.Parse("203.0.113.10"), 53), Cancellation);
        Assert.Equal(4096, ((IPEndPoint)elsewhere.LocalEndPoint!).Port);
    });

    [Fact]
    public Task A_revoked_lease_opens_nothing_new() => InNamespace.RunAsync(async () =>
    {
        var handler = new LeasingHandler("192.0.2.7:4096-4159");
        await using var daemon = new TestDaemon(handler);
        await using var lease = await LeaseAsync(daemon);
        handler.InForce.Clear();
        await Assert.ThrowsAsync<LeaseRevokedException>(() => SharedUdp.ConnectAsync(lease, new IPEndPoint(IPAddress.Parse("203.0.113.9"), 53), Cancellation));
        Assert.True(lease.Revoked.IsCancellationRequested);
    });

    private static Task<SliceLease> LeaseAsync(TestDaemon daemon) =>
        SliceLease.AcquireAsync(SliceChoice.OfPool("us-general"), LeaseKind.Explicit, daemon.Options, Cancellation);

    private static void SetReuse(Socket socket, int value) => socket.SetRawSocketOption(1, 2, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in value)));
}
