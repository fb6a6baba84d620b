using System.Runtime.InteropServices;
using SoftUnicast.Control;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.Dispatch;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Daemon;

/// <summary>What comes in and whose sockets take it.</summary>
internal sealed partial class ControlHandler
{
    public ValueTask<Answer<BindingsReply>> ShowBindingsAsync(ShowBindings command, CancellationToken cancellation) =>
        ByDispatchAsync<BindingsReply>(dispatch => dispatch.ShowBindings(command.Label), cancellation, passFollows: false);

    public ValueTask<Answer<DispatchReply>> ShowDispatchAsync(CancellationToken cancellation) =>
        ByDispatchAsync<DispatchReply>(dispatch => dispatch.Show(), cancellation, passFollows: false);

    public ValueTask<Answer<BoundReply>> BindAsync(Bind command, CancellationToken cancellation) =>
        ByDispatchAsync(dispatch => dispatch.Bind(command.Binding), cancellation);

    public ValueTask<Answer<BoundReply>> UnbindAsync(Unbind command, CancellationToken cancellation) =>
        ByDispatchAsync(dispatch => dispatch.Unbind(command.Binding), cancellation);

    public ValueTask<Answer<RegisteredReply>> RegisterAsync(Register command, ControlPeer peer, IReadOnlyList<SafeHandle> sockets, CancellationToken cancellation) =>
        ByDispatchAsync(dispatch => dispatch.Register(command, peer, sockets), cancellation);

    public ValueTask<Answer<RegisteredReply>> UnregisterAsync(Unregister command, ControlPeer peer, CancellationToken cancellation) =>
        ByDispatchAsync(dispatch => dispatch.Unregister(command, peer), cancellation);

    private async ValueTask<Answer<T>> ByDispatchAsync<T>(Func<DispatchService, Answer<T>> action, CancellationToken cancellation, bool passFollows = true)
        where T : ControlReply
    {
        if (reconciler.State.Configuration.Server.Dispatch is null)
        {
            return new ErrorReply(ReplyCode.NotDispatching, "this server dispatches nothing: its configuration has no section 'dispatch'", "see docs/configuration.md");
        }

        try
        {
            return await reconciler.DoAsync(
                _ => Task.FromResult(reconciler.DispatchService is { } dispatch
                    ? action(dispatch)
                    : new ErrorReply(ReplyCode.NotDispatching, "dispatch does not run", "see show status")),
                cancellation,
                passFollows).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SystemCallException or PinnedStateException or IOException)
        {
            return new ErrorReply(ReplyCode.NotDispatching, e.Message, "see show status");
        }
    }
}
