using System.Net.Sockets;
using NLog;
using SoftUnicast.Control;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Wire;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Daemon;

/// <summary>One of the local sockets: takes clients, as many as the limit allows, and has each served by itself.</summary>
internal sealed class ControlListener(UnixListener listener, AccessLevel access, IControlHandler handler, ControlLimits limits, TimeProvider time) : IDisposable
{
    /// <summary>Anyone may look, and ask to register: the daemon refuses what such a socket is not for.</summary>
    public const UnixFileMode EveryoneMode = ControlMode | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>Root and the daemon's group.</summary>
    public const UnixFileMode ControlMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    private static readonly Logger Log = LogManager.GetCurrentClassLogger();
    private readonly ControlServer server = new(handler, ControlHandler.Version, limits, time,
        (command, fault) => Log.Error(fault, "'{Command}' could not be answered", command));

    private int clients;

    public async Task RunAsync(CancellationToken stopping)
    {
        var serving = new HashSet<Task>();
        while (!stopping.IsCancellationRequested)
        {
            Socket client;
            try
            {
                client = await listener.AcceptAsync(time, stopping, reason => Log.Warn("no client can be taken on {Path}: {Reason}", listener.Path, reason)).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                break;
            }

            serving.RemoveWhere(t => t.IsCompleted);
            serving.Add(ServeAsync(client, stopping));
        }

        await Task.WhenAll(serving).ConfigureAwait(false);
    }

    public void Dispose() => listener.Dispose();

    private async Task ServeAsync(Socket client, CancellationToken stopping)
    {
        // Who may not register has no use for descriptors: the kernel closes what comes with bytes that are read without asking for them.
        await using Stream stream = access == AccessLevel.ReadOnly ? new NetworkStream(client, ownsSocket: true) : new DescriptorStream(client);
        try
        {
            if (Interlocked.Increment(ref clients) > limits.Clients)
            {
                await ControlServer.RefuseAsync(stream, limits, time, stopping).ConfigureAwait(false);
            }
            else
            {
                var peer = PeerCredentials.Of(client);
                await server.ServeAsync(
                    stream, access, new ControlPeer(peer.ProcessId, peer.UserId, peer.GroupId) { Groups = peer.Groups }, stopping,
                    stream is DescriptorStream descriptors ? descriptors.TakeDescriptors : null).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            Log.Debug("a client of {Path} was lost: {Reason}", listener.Path, e.Message);
        }
        finally
        {
            Interlocked.Decrement(ref clients);
        }
    }
}
