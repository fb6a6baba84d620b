using System.Net;
using System.Net.Sockets;
using SoftUnicast.Client.Tests.Support;
using SoftUnicast.Control.Commands;
using SoftUnicast.Model;

namespace SoftUnicast.Client.Tests;

/// <summary>Real sockets in a network namespace of their own.</summary>
public sealed class ConnectorTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public Task A_connection_leaves_from_the_slice() => InNamespace.RunAsync(async () =>
    {
        await using var daemon = new TestDaemon(new LeasingHandler("192.0.2.7:4096-6143"));
        await using var lease = await LeaseAsync(daemon);
        using var origin = new Origin("203.0.113.9", 443);
        using var socket = await new SliceConnector(lease).ConnectAsync("203.0.113.9", 443, Cancellation);
        await EchoAsync(socket, "hello");

        var seen = Assert.Single(origin.Seen);
        Assert.Equal("192.0.2.7", seen.Address.ToString());
        Assert.InRange(seen.Port, 4096, 6143);
    });

    [Fact]
    public Task An_http_client_uses_slices() => InNamespace.RunAsync(async () =>
    {
        await using var daemon = new TestDaemon(new LeasingHandler("192.0.2.7:4096-6143"));
        await using var lease = await LeaseAsync(daemon);
        using var origin = new Origin("203.0.113.9", 80);
        using var handler = new SocketsHttpHandler { ConnectCallback = new SliceConnector(lease).ConnectAsync };
        using var client = new HttpClient(handler);

        Assert.Equal("ok", await client.GetStringAsync(new Uri("http://203.0.113.9/"), Cancellation));
        Assert.InRange(Assert.Single(origin.Seen).Port, 4096, 6143);
    });

    /// <summary>64 ports a slice, 2 slices, 3 destinations: 384 connections, each port six times; then every slice is full.</summary>
    [Fact]
    public Task Slices_are_filled_evenly_for_each_destination_and_then_there_is_no_port_left() => InNamespace.RunAsync(async () =>
    {
        string[] slices = ["192.0.2.7:4096-4159", "192.0.2.8:8192-8255"];
        await using var daemon = new TestDaemon(new LeasingHandler(slices));
        await using var lease = await LeaseAsync(daemon);
        var connector = new SliceConnector(lease);
        Origin[] origins = [new("203.0.113.1", 443), new("203.0.113.2", 443), new("203.0.113.3", 443)];
        var sockets = new List<Socket>();
        foreach (var origin in origins)
        {
            for (var i = 0; i < 128; i++)
            {
                sockets.Add(await connector.ConnectAsync(origin.EndPoint, Cancellation));
            }

            var full = await Assert.ThrowsAsync<NoPortLeftException>(() => connector.ConnectAsync(origin.EndPoint, Cancellation));
            Assert.StartsWith($"no port is left towards {origin.EndPoint} in 192.0.2.", full.Message, StringComparison.Ordinal);
            Assert.Equal(SocketError.AddressNotAvailable, Assert.IsType<SocketException>(full.InnerException).SocketErrorCode);
        }

        foreach (var slice in slices.Select(s => AddressPorts.Parse(s)))
        {
            var ports = sockets.Select(s => (IPEndPoint)s.LocalEndPoint!).Where(e => e.Address.ToString() == slice.Address.ToString()).GroupBy(e => e.Port).ToList();
            Assert.Equal(Enumerable.Range(slice.Ports.First, 64), ports.Select(p => p.Key).Order());
            Assert.All(ports, p => Assert.Equal(3, p.Count()));
        }

        foreach (var socket in sockets)
        {
            await EchoAsync(socket, "still there");
            socket.Dispose();
        }

        Assert.Equal(384, origins.Sum(o => o.Seen.Count));
        Array.ForEach(origins, o => o.Dispose());
    });

    [Fact]
    public Task A_setting_that_does_not_cover_the_slice_is_told_before_a_packet_leaves() => InNamespace.RunAsync(async () =>
    {
        await InNamespace.SetPortRangeAsync("32768 60999");
        await using var daemon = new TestDaemon(new LeasingHandler("192.0.2.7:4096-6143"));
        await using var lease = await LeaseAsync(daemon);
        using var origin = new Origin("203.0.113.9", 443);
        var error = await Assert.ThrowsAsync<PortRangeException>(() => new SliceConnector(lease).ConnectAsync(origin.EndPoint, Cancellation));

        Assert.Equal(
            "net.ipv4.ip_local_port_range is 32768 60999 and does not cover the slice 4096-6143, so the kernel would ignore it; "
            + "sysctl -w net.ipv4.ip_local_port_range=\"4096 60999\"", error.Message);
        Assert.Empty(origin.Seen);
    });

    /// <summary>The setting looks right and is not: the port that the kernel chose tells.</summary>
    [Fact]
    public Task A_port_outside_the_slice_is_told_by_the_socket_itself() => InNamespace.RunAsync(async () =>
    {
        await InNamespace.SetPortRangeAsync("32768 60999");
        var claim = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(claim, "2048\t65535\n", Cancellation);
            InNamespace.Run("mount", "--bind", claim, "/proc/sys/net/ipv4/ip_local_port_range");
            await using var daemon = new TestDaemon(new LeasingHandler("192.0.2.7:4096-6143"));
            await using var lease = await LeaseAsync(daemon);
            using var origin = new Origin("203.0.113.9", 443);
            var error = await Assert.ThrowsAsync<PortRangeException>(() => new SliceConnector(lease).ConnectAsync(origin.EndPoint, Cancellation));
            Assert.Matches("^the kernel chose port [0-9]+, outside the slice 192.0.2.7:4096-6143$", error.Message);
        }
        finally
        {
            File.Delete(claim);
        }
    });

    [Fact]
    public Task A_destination_that_refuses_is_no_fault_of_the_slice() => InNamespace.RunAsync(async () =>
    {
        await using var daemon = new TestDaemon(new LeasingHandler("192.0.2.7:4096-6143"));
        await using var lease = await LeaseAsync(daemon);
        var error = await Assert.ThrowsAnyAsync<SocketException>(() => new SliceConnector(lease).ConnectAsync("203.0.113.9", 443, Cancellation));
        Assert.Equal(SocketError.ConnectionRefused, error.SocketErrorCode);
        await Assert.ThrowsAsync<SliceException>(() => new SliceConnector(lease).ConnectAsync("2001:db8::9", 443, Cancellation));
    });

    private static Task<SliceLease> LeaseAsync(TestDaemon daemon) =>
        SliceLease.AcquireAsync(SliceChoice.OfPool("us-general"), LeaseKind.Range, daemon.Options, Cancellation);

    private static async Task EchoAsync(Socket socket, string text)
    {
        var buffer = new byte[64];
        await socket.SendAsync(System.Text.Encoding.ASCII.GetBytes(text), Cancellation);
        var count = await socket.ReceiveAsync(buffer, Cancellation);
        Assert.Equal(text, System.Text.Encoding.ASCII.GetString(buffer, 0, count));
    }
}
