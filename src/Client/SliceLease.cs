using System.Collections.Immutable;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;

namespace SoftUnicast.Client;

/// <summary>How a lease is kept.</summary>
public sealed record LeaseOptions
{
    /// <summary>The daemon's control socket.</summary>
    public string SocketPath { get; init; } = "/run/softunicast/control.sock";

    /// <summary>How often the daemon is asked whether the lease is in force.</summary>
    public TimeSpan RenewEvery { get; init; } = TimeSpan.FromSeconds(10);

    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>
/// Slices of this server's that belong to this process, until it gives them back or ends. A daemon that restarts knows its leases
/// again; while it is away they stay in force.
/// </summary>
public sealed class SliceLease : IAsyncDisposable
{
    private readonly LeaseOptions options;
    private readonly CancellationTokenSource revoked = new();
    private readonly CancellationTokenSource ending = new();
    private readonly Task renewing;
    private LeaseRevokedException? revocation;
    private int disposed;

    private SliceLease(LeaseReply reply, LeaseOptions options)
    {
        this.options = options;
        Id = reply.Lease;
        Kind = reply.Kind;
        Slices = reply.Slices;
        Revoked = revoked.Token;
        renewing = RenewForeverAsync();
    }

    /// <summary>Its name at the daemon.</summary>
    public string Id { get; }

    public LeaseKind Kind { get; }

    /// <summary>At least one. All of them belong to this process alone.</summary>
    public ImmutableArray<HeldSlice> Slices { get; }

    /// <summary>Cancelled when the daemon has said that the lease is over.</summary>
    public CancellationToken Revoked { get; }

    internal string SocketPath => options.SocketPath;

    /// <param name="choice">A pool, or tags: <c>SliceChoice.OfPool("us-general")</c>.</param>
    /// <param name="kind">How ports are taken: <see cref="SliceConnector"/> wants Range, <see cref="SharedUdp"/> Explicit.</param>
    /// <exception cref="DaemonUnreachableException">The daemon is down, or its socket not for this user.</exception>
    /// <exception cref="SliceException">No such pool or tag, no slice of it here, or nothing is handed out now.</exception>
    public static async Task<SliceLease> AcquireAsync(
        SliceChoice choice, LeaseKind kind = LeaseKind.Range, LeaseOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(choice);
        options ??= new LeaseOptions();
        using var session = await DaemonSession.OpenAsync(options.SocketPath, cancellation).ConfigureAwait(false);
        var word = kind == LeaseKind.Explicit ? "explicit" : "range";
        return new SliceLease(await session.AskAsync<LeaseReply>($"lease {choice} kind {word}", cancellation).ConfigureAwait(false), options);
    }

    /// <summary>Asks whether it is in force.</summary>
    /// <exception cref="LeaseRevokedException">It is not.</exception>
    /// <exception cref="DaemonUnreachableException">Nobody can tell: it stays in force.</exception>
    public async Task RenewAsync(CancellationToken cancellation = default)
    {
        ThrowIfRevoked();
        using var session = await DaemonSession.OpenAsync(options.SocketPath, cancellation).ConfigureAwait(false);
        try
        {
            await session.AskAsync<LeaseReply>($"renew {Id}", cancellation).ConfigureAwait(false);
        }
        catch (LeaseRevokedException e)
        {
            Revoke(e);
            throw;
        }
    }

    /// <summary>Gives it back. Close its sockets first: the daemon waits for them before anyone else gets the slices.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0)
        {
            return;
        }

        await ending.CancelAsync().ConfigureAwait(false);
        await renewing.ConfigureAwait(false);
        try
        {
            if (revocation is null)
            {
                using var session = await DaemonSession.OpenAsync(options.SocketPath, CancellationToken.None).ConfigureAwait(false);
                await session.AskAsync<ReleaseReply>($"release {Id}", CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (IOException)
        {
            // A daemon that is away frees the lease when this process ends.
        }

        revoked.Dispose();
        ending.Dispose();
    }

    /// <exception cref="LeaseRevokedException">The daemon has said that the lease is over.</exception>
    internal void ThrowIfRevoked()
    {
        ObjectDisposedException.ThrowIf(disposed != 0, this);
        if (revocation is { } over)
        {
            throw new LeaseRevokedException(over.Code!.Value, over.Message);
        }
    }

    internal void Revoke(LeaseRevokedException because)
    {
        if (Interlocked.CompareExchange(ref revocation, because, null) is null)
        {
            revoked.Cancel();
        }
    }

    private async Task RenewForeverAsync()
    {
        using var timer = new PeriodicTimer(options.RenewEvery, options.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(ending.Token).ConfigureAwait(false))
            {
                try
                {
                    await RenewAsync(ending.Token).ConfigureAwait(false);
                }
                catch (LeaseRevokedException)
                {
                    return;
                }
                catch (IOException)
                {
                    // Away, or too busy: asked again.
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }
}
