using System.Collections.Immutable;
using System.Net.Sockets;

namespace SoftUnicast.Naming;

/// <summary>What a <see cref="RemoteBackendServer"/> has done since it began.</summary>
/// <param name="Connections">Open now.</param>
/// <param name="Refused">Connections closed at once because there were too many.</param>
public readonly record struct RemoteCounters(long Requests, long Records, long Nothing, long Malformed, int Connections, long Refused);

/// <summary>
/// Serves PowerDNS's remote backends on a listening Unix socket, which is its caller's. A few threads wait for all connections, each
/// for its share: under load a thread finds the next request there already, and neither it nor PowerDNS pays for a sleep and a wakeup.
/// </summary>
/// <param name="mostConnections">PowerDNS opens one for each of its distributor threads; beyond this many they are closed at once.</param>
public sealed class RemoteBackendServer(RemoteBackend backend, TimeProvider time, int mostConnections = 512)
{
    private const int StackBytes = 256 * 1024;
    private static readonly TimeSpan PauseAfterError = TimeSpan.FromSeconds(1);
    private readonly ImmutableArray<RemoteWorker> workers =
        [.. Enumerable.Range(0, Math.Clamp(Environment.ProcessorCount / 2, 1, 8)).Select(_ => new RemoteWorker(backend))];

    private long refused;
    private volatile string? trouble;

    /// <summary>The counters of all threads; each is exact, together they may be a request apart.</summary>
    public RemoteCounters Counters => new(
        workers.Sum(w => w.Requests), workers.Sum(w => w.Records), workers.Sum(w => w.Nothing), workers.Sum(w => w.Malformed),
        workers.Sum(w => w.Connections), Interlocked.Read(ref refused));

    /// <summary>Why connections wait to be taken (no file descriptor is left, for one); those that are open are served. Null: none waits.</summary>
    public string? Trouble => trouble;

    /// <summary>Serves until <paramref name="stopping"/>, then closes every connection. The listener stays the caller's. To be called once.</summary>
    public async Task RunAsync(Socket listener, CancellationToken stopping)
    {
        ArgumentNullException.ThrowIfNull(listener);
        var threads = workers.Select(w => new Thread(w.Run, StackBytes) { IsBackground = true, Name = "pdns" }).ToArray();
        foreach (var thread in threads)
        {
            thread.Start();
        }

        try
        {
            while (true)
            {
                Socket client;
                try
                {
                    var accepting = listener.AcceptAsync(stopping);
                    if (!accepting.IsCompleted)
                    {
                        trouble = null;
                    }

                    client = await accepting.ConfigureAwait(false);
                    trouble = null;
                }
                catch (SocketException e)
                {
                    // Out of file descriptors, for one: it waits in the kernel's queue.
                    trouble = e.Message;
                    await Task.Delay(PauseAfterError, time, stopping).ConfigureAwait(false);
                    continue;
                }

                var idlest = workers.MinBy(w => w.Connections)!;
                if (workers.Sum(w => w.Connections) < mostConnections)
                {
                    idlest.Enter(client);
                }
                else
                {
                    Interlocked.Increment(ref refused);
                    client.Dispose();
                }
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Below.
        }
        finally
        {
            foreach (var worker in workers)
            {
                worker.Stop();
            }

            foreach (var thread in threads)
            {
                thread.Join();
            }
        }
    }
}
