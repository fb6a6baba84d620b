using System.Runtime.InteropServices;
using SoftUnicast.Control;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.Dispatch;

namespace SoftUnicast.Daemon;

/// <summary>What comes in and whose sockets take it.</summary>
internal sealed partial class ControlHandler
{
    public IEnumerable<string> Labels => reconciler.State.Configuration.Server.Dispatch?.Labels.Select(l => l.Label.ToString()) ?? [];

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

    private ValueTask<Answer<T>> ByDispatchAsync<T>(Func<DispatchService, Answer<T>> action, CancellationToken cancellation, bool passFollows = true)
        where T : ControlReply => reconciler.State.Configuration.Server.Dispatch is null
            ? new(new ErrorReply(ReplyCode.NotDispatching, "this server dispatches nothing: its configuration has no section 'dispatch'", "see docs/configuration.md"))
            : ByLoopAsync(
                () => reconciler.DispatchService, action, new ErrorReply(ReplyCode.NotDispatching, "dispatch does not run", "see show status"),
                ReplyCode.NotDispatching, passFollows, cancellation);
}
