using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Grpc.Core;
using Grpc.Net.Client;
using Api = SoftUnicast.BgpSpeaker.Gobgp;

namespace SoftUnicast.BgpSpeaker;

/// <summary>
/// The daemon's control interface over its Unix socket: gRPC over HTTP/2. Every call but the watch has a deadline. What fails does so
/// as <see cref="GobgpException"/>, or as <see cref="OperationCanceledException"/> if the caller cancelled.
/// </summary>
internal sealed class GobgpClient : IDisposable
{
    /// <summary>Routes a message of a stream. The daemon takes 4 MiB a message; a route is some 150 bytes.</summary>
    private const int RoutesPerMessage = 512;

    private readonly GrpcChannel channel;
    private readonly Api.GobgpApi.GobgpApiClient stub;
    private readonly TimeSpan deadline;

    /// <param name="deadline">For calls that answer at once; streams get ten times that.</param>
    public GobgpClient(string socketPath, TimeSpan deadline)
    {
        this.deadline = deadline;
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellation).ConfigureAwait(false);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
            // The daemon answers HTTP/2 pings of a busy watch with GOAWAY, so none are sent: a hung daemon is found by probing.
            KeepAlivePingDelay = Timeout.InfiniteTimeSpan,
            UseProxy = false,
        };
        // Retries and reconnects are the speaker's, with the state shown meanwhile.
        channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            MaxReceiveMessageSize = 64 << 20,
        });
        stub = new Api.GobgpApi.GobgpApiClient(channel);
    }

    public void Dispose() => channel.Dispose();

    public Task<Api.GetBgpResponse> GetBgpAsync(CancellationToken cancellation) =>
        UnaryAsync("GetBgp", options => stub.GetBgpAsync(new Api.GetBgpRequest(), options), cancellation);

    public Task StartBgpAsync(Api.Global global, CancellationToken cancellation) =>
        UnaryAsync("StartBgp", options => stub.StartBgpAsync(new Api.StartBgpRequest { Global = global }, options), cancellation);

    public Task AddPeerAsync(Api.Peer peer, CancellationToken cancellation) =>
        UnaryAsync("AddPeer", options => stub.AddPeerAsync(new Api.AddPeerRequest { Peer = peer }, options), cancellation);

    public Task DeletePeerAsync(string address, CancellationToken cancellation) =>
        UnaryAsync("DeletePeer", options => stub.DeletePeerAsync(new Api.DeletePeerRequest { Address = address }, options), cancellation);

    public Task<List<Api.Peer>> ListPeersAsync(bool countAdvertised, CancellationToken cancellation) =>
        ListAsync("ListPeer", options => stub.ListPeer(new Api.ListPeerRequest { EnableAdvertised = countAdvertised }, options), r => r.Peer, cancellation);

    public Task AddDefinedSetAsync(Api.DefinedSet set, CancellationToken cancellation) =>
        UnaryAsync("AddDefinedSet", options => stub.AddDefinedSetAsync(new Api.AddDefinedSetRequest { DefinedSet = set }, options), cancellation);

    public Task DeleteDefinedSetAsync(Api.DefinedSet set, CancellationToken cancellation) =>
        UnaryAsync("DeleteDefinedSet", options => stub.DeleteDefinedSetAsync(new Api.DeleteDefinedSetRequest { DefinedSet = set, All = true }, options), cancellation);

    public Task<List<Api.DefinedSet>> ListDefinedSetsAsync(int type, CancellationToken cancellation) =>
        ListAsync("ListDefinedSet", options => stub.ListDefinedSet(new Api.ListDefinedSetRequest { DefinedType = type }, options), r => r.DefinedSet, cancellation);

    public Task AddPolicyAsync(Api.Policy policy, CancellationToken cancellation) =>
        UnaryAsync("AddPolicy", options => stub.AddPolicyAsync(new Api.AddPolicyRequest { Policy = policy }, options), cancellation);

    public Task DeletePolicyAsync(string name, CancellationToken cancellation) =>
        UnaryAsync("DeletePolicy", options => stub.DeletePolicyAsync(new Api.DeletePolicyRequest { Policy = new Api.Policy { Name = name }, All = true }, options), cancellation);

    public Task<List<Api.Policy>> ListPoliciesAsync(CancellationToken cancellation) =>
        ListAsync("ListPolicy", options => stub.ListPolicy(new Api.ListPolicyRequest(), options), r => r.Policy, cancellation);

    public Task SetPolicyAssignmentAsync(Api.PolicyAssignment assignment, CancellationToken cancellation) =>
        UnaryAsync("SetPolicyAssignment", options => stub.SetPolicyAssignmentAsync(new Api.SetPolicyAssignmentRequest { Assignment = assignment }, options), cancellation);

    public Task<List<Api.PolicyAssignment>> ListPolicyAssignmentsAsync(CancellationToken cancellation) =>
        ListAsync("ListPolicyAssignment", options => stub.ListPolicyAssignment(new Api.ListPolicyAssignmentRequest { Name = "global" }, options), r => r.Assignment, cancellation);

    public Task AddPathAsync(Api.Path path, CancellationToken cancellation) =>
        UnaryAsync("AddPath", options => stub.AddPathAsync(new Api.AddPathRequest { Path = path }, options), cancellation);

    /// <summary>Adds routes (and takes back those marked as withdrawn), many a message: some 30,000 a second.</summary>
    /// <returns>How many were sent.</returns>
    public async Task<int> AddPathsAsync(IEnumerable<Api.Path> paths, CancellationToken cancellation)
    {
        try
        {
            using var call = stub.AddPathStream(Options(10 * deadline, cancellation));
            var count = 0;
            try
            {
                foreach (var chunk in paths.Chunk(RoutesPerMessage))
                {
                    var message = new Api.AddPathStreamRequest();
                    message.Paths.AddRange(chunk);
                    count += chunk.Length;
                    await call.RequestStream.WriteAsync(message, cancellation).ConfigureAwait(false);
                }

                await call.RequestStream.CompleteAsync().ConfigureAwait(false);
            }
            catch (Exception e) when (e is RpcException or InvalidOperationException)
            {
                // The daemon ended the stream early: its status, below, says why.
            }

            await call.ResponseAsync.ConfigureAwait(false);
            return count;
        }
        catch (RpcException e)
        {
            throw Translate("AddPathStream", e, cancellation);
        }
    }

    /// <summary>All routes of one family, in their wire form.</summary>
    public async IAsyncEnumerable<Api.Path> ListPathsAsync(Wire.Family family, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var call = stub.ListPath(
            new Api.ListPathRequest { Family = ToApi(family), EnableOnlyBinary = true }, Options(10 * deadline, cancellation));
        while (await NextAsync("ListPath", call.ResponseStream, cancellation).ConfigureAwait(false))
        {
            foreach (var path in call.ResponseStream.Current.Destination?.Paths ?? [])
            {
                yield return path;
            }
        }
    }

    /// <summary>
    /// Peer and table events, after import policy, without what is there already. It has no deadline (it would end the stream as if all
    /// were well) and ends only when the daemon does or the caller cancels.
    /// </summary>
    public async IAsyncEnumerable<Api.WatchEventResponse> WatchAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        var request = new Api.WatchEventRequest { Peer = new(), Table = new() };
        request.Table.Filters.Add(new Api.WatchEventRequest.Types.Table.Types.Filter { Type = 2 });
        using var call = stub.WatchEvent(request, cancellationToken: cancellation);
        while (await NextAsync("WatchEvent", call.ResponseStream, cancellation).ConfigureAwait(false))
        {
            yield return call.ResponseStream.Current;
        }
    }

    public static Api.Family ToApi(Wire.Family family) => new() { Afi = family.Afi, Safi = family.Safi };

    /// <summary>A unary call that this class does not wrap.</summary>
    public Task<TResponse> CallAsync<TRequest, TResponse>(Method<TRequest, TResponse> method, TRequest request, CancellationToken cancellation)
        where TRequest : class
        where TResponse : class =>
        UnaryAsync(method.Name, options => channel.CreateCallInvoker().AsyncUnaryCall(method, null, options, request), cancellation);

    private async Task<T> UnaryAsync<T>(string name, Func<CallOptions, AsyncUnaryCall<T>> start, CancellationToken cancellation)
    {
        try
        {
            using var call = start(Options(deadline, cancellation));
            return await call.ResponseAsync.ConfigureAwait(false);
        }
        catch (RpcException e)
        {
            throw Translate(name, e, cancellation);
        }
    }

    private async Task<List<TItem>> ListAsync<TResponse, TItem>(string name, Func<CallOptions, AsyncServerStreamingCall<TResponse>> start,
        Func<TResponse, TItem> select, CancellationToken cancellation)
    {
        using var call = start(Options(5 * deadline, cancellation));
        var list = new List<TItem>();
        while (await NextAsync(name, call.ResponseStream, cancellation).ConfigureAwait(false))
        {
            list.Add(select(call.ResponseStream.Current));
        }

        return list;
    }

    private static async Task<bool> NextAsync<T>(string name, IAsyncStreamReader<T> stream, CancellationToken cancellation)
    {
        try
        {
            return await stream.MoveNext(cancellation).ConfigureAwait(false);
        }
        catch (RpcException e)
        {
            throw Translate(name, e, cancellation);
        }
    }

    private static CallOptions Options(TimeSpan deadline, CancellationToken cancellation) =>
        new(deadline: DateTime.UtcNow + deadline, cancellationToken: cancellation);

    private static Exception Translate(string call, RpcException e, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested)
        {
            return new OperationCanceledException(e.Message, e, cancellation);
        }

        for (Exception? cause = e.Status.DebugException; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                // A Unix socket whose file is not there reports EADDRNOTAVAIL.
                case SocketException { SocketErrorCode: SocketError.AddressNotAvailable } gone:
                    return new GobgpException(GobgpFailure.Absent, call, gone.Message, e);
                case SocketException { SocketErrorCode: SocketError.ConnectionRefused } refused:
                    return new GobgpException(GobgpFailure.Refused, call, refused.Message, e);
                case SocketException { SocketErrorCode: SocketError.AccessDenied } denied:
                    return new GobgpException(GobgpFailure.Denied, call, denied.Message, e);
                default:
                    break;
            }
        }

        var failure = e.StatusCode switch
        {
            StatusCode.DeadlineExceeded => GobgpFailure.Hung,
            StatusCode.Unimplemented => GobgpFailure.Unsupported,
            _ => GobgpFailure.Failed,
        };
        return new GobgpException(failure, call, e.Status.Detail.Length > 0 ? e.Status.Detail : e.StatusCode.ToString(), e);
    }
}
