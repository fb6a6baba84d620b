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
public sealed class RemoteBackendServer(RemoteBackend backend, int mostConnections = 512)
{
    private const int StackBytes = 256 * 1024;
    private readonly ImmutableArray<RemoteWorker> workers =
        [.. Enumerable.Range(0, Math.Clamp(Environment.ProcessorCount / 2, 1, 8)).Select(_ => new RemoteWorker(backend))];

    private long refused;

    /// <summary>The counters of all threads; each is exact, together they may be a request apart.</summary>
    public RemoteCounters Counters => new(
        workers.Sum(w => w.Requests), workers.Sum(w => w.Records), workers.Sum(w => w.Nothing), workers.Sum(w => w.Malformed),
        workers.Sum(w => w.Connections), Interlocked.Read(ref refused));

    /// <summary>Serves until <paramref name="stopping"/>, then closes every connection. To be called once.</summary>
    /// <param name="accept">The next connection, of a listener that stays the caller's.</param>
    public async Task RunAsync(Func<CancellationToken, ValueTask<Socket>> accept, CancellationToken stopping)
    {
        ArgumentNullException.ThrowIfNull(accept);
        var threads = workers.Select(w => new Thread(w.Run, StackBytes) { IsBackground = true, Name = "pdns" }).ToArray();
        foreach (var thread in threads)
        {
            thread.Start();
        }

        try
        {
            while (true)
            {
                var client = await accept(stopping).ConfigureAwait(false);
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
