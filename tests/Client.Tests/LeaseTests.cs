using SoftUnicast.Client.Tests.Support;
using SoftUnicast.Control;
using SoftUnicast.Control.Commands;

namespace SoftUnicast.Client.Tests;

public sealed class LeaseTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_lease_is_this_processes_until_it_is_given_back()
    {
        var handler = new LeasingHandler("192.0.2.7:4096-6143", "192.0.2.8:2048-4095");
        await using var daemon = new TestDaemon(handler);
        await using (var lease = await SliceLease.AcquireAsync(SliceChoice.OfPool("us-general"), LeaseKind.Range, daemon.Options, Cancellation))
        {
            Assert.Equal(["192.0.2.7:4096-6143", "192.0.2.8:2048-4095"], lease.Slices.Select(s => s.Slice.ToString()));
            Assert.Equal((Environment.ProcessId, LeaseKind.Range), (handler.InForce[lease.Id].ProcessId, handler.InForce[lease.Id].Kind));
            await lease.RenewAsync(Cancellation);
            Assert.Empty(handler.Released);
        }

        Assert.Single(handler.Released);
    }

    [Fact]
    public async Task Tags_choose_too()
    {
        var handler = new LeasingHandler("192.0.2.7:4096-6143");
        await using var daemon = new TestDaemon(handler);
        await using var lease = await SliceLease.AcquireAsync(SliceChoice.Tagged(new Tag("country", "US")), LeaseKind.Explicit, daemon.Options, Cancellation);
        Assert.Equal(LeaseKind.Explicit, handler.InForce[lease.Id].Kind);
    }

    [Fact]
    public async Task A_revoked_lease_is_noticed_without_being_asked_for()
    {
        var handler = new LeasingHandler("192.0.2.7:4096-6143");
        await using var daemon = new TestDaemon(handler);
        var options = daemon.Options with { RenewEvery = TimeSpan.FromMilliseconds(20) };
        await using var lease = await SliceLease.AcquireAsync(SliceChoice.OfPool("us-general"), LeaseKind.Range, options, Cancellation);
        var noticed = new TaskCompletionSource();
        using var registration = lease.Revoked.Register(noticed.SetResult);

        handler.InForce.Clear();
        await noticed.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancellation);

        var connector = new SliceConnector(lease);
        var error = await Assert.ThrowsAsync<LeaseRevokedException>(() => connector.ConnectAsync("203.0.113.9", 443, Cancellation));
        Assert.Equal((ReplyCode.LeaseRevoked, $"lease {lease.Id} was revoked; lease again"), (error.Code!.Value, error.Message));
        await Assert.ThrowsAsync<LeaseRevokedException>(() => lease.RenewAsync(Cancellation));
    }

    [Fact]
    public async Task A_daemon_that_is_away_takes_no_lease_with_it()
    {
        var daemon = new TestDaemon(new LeasingHandler("192.0.2.7:4096-6143"));
        await using var lease = await SliceLease.AcquireAsync(SliceChoice.OfPool("us-general"), LeaseKind.Range, daemon.Options, Cancellation);
        await daemon.DisposeAsync();

        await Assert.ThrowsAsync<DaemonUnreachableException>(() => lease.RenewAsync(Cancellation));
        Assert.False(lease.Revoked.IsCancellationRequested);
    }

    [Theory]
    [InlineData("us-nothing", ReplyCode.NotFound, "no pool is named 'us-nothing'; show pools lists the pools")]
    [InlineData("us-general", ReplyCode.NoSlice, "this server has no slice of pool us-general")]
    public async Task A_pool_that_cannot_be_had_is_told(string pool, ReplyCode code, string message)
    {
        await using var daemon = new TestDaemon(new LeasingHandler());
        var error = await Assert.ThrowsAsync<SliceException>(() => SliceLease.AcquireAsync(SliceChoice.OfPool(pool), LeaseKind.Range, daemon.Options, Cancellation));
        Assert.Equal((code, message), (error.Code!.Value, error.Message));
    }

    [Fact]
    public async Task A_tag_that_no_pool_has_is_told()
    {
        await using var daemon = new TestDaemon(new LeasingHandler());
        var error = await Assert.ThrowsAsync<SliceException>(() =>
            SliceLease.AcquireAsync(SliceChoice.Tagged(new Tag("country", "XX")), LeaseKind.Range, daemon.Options, Cancellation));
        Assert.Equal(ReplyCode.UnknownTag, error.Code);
    }

    [Fact]
    public async Task The_read_only_socket_leases_nothing()
    {
        await using var daemon = new TestDaemon(new LeasingHandler("192.0.2.7:4096-6143"), AccessLevel.ReadOnly);
        var error = await Assert.ThrowsAsync<SliceException>(() => SliceLease.AcquireAsync(SliceChoice.OfPool("us-general"), LeaseKind.Range, daemon.Options, Cancellation));
        Assert.Equal(ReplyCode.AccessDenied, error.Code);
    }

    [Fact]
    public async Task Without_a_daemon_the_error_names_the_socket()
    {
        var error = await Assert.ThrowsAsync<DaemonUnreachableException>(() =>
            SliceLease.AcquireAsync(SliceChoice.OfPool("us-general"), LeaseKind.Range, new LeaseOptions { SocketPath = "/nonexistent/control.sock" }, Cancellation));
        Assert.StartsWith("/nonexistent/control.sock: the SoftUnicast daemon is down", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lease_of_one_kind_is_of_no_use_for_the_other()
    {
        await using var daemon = new TestDaemon(new LeasingHandler("192.0.2.7:4096-6143"));
        await using var range = await SliceLease.AcquireAsync(SliceChoice.OfPool("us-general"), LeaseKind.Range, daemon.Options, Cancellation);
        await using var bound = await SliceLease.AcquireAsync(SliceChoice.OfPool("us-general"), LeaseKind.Explicit, daemon.Options, Cancellation);
        Assert.Throws<ArgumentException>(() => new SliceConnector(bound));
        await Assert.ThrowsAsync<ArgumentException>(() => SharedUdp.ConnectAsync(range, new(System.Net.IPAddress.Loopback, 53), Cancellation));
    }
}
