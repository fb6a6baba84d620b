using System.Runtime.InteropServices;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Control.Wire;

namespace SoftUnicast.Control;

/// <summary>Why a client's connection ended.</summary>
public enum SessionEnd
{
    /// <summary>The client left.</summary>
    Closed = 0,

    /// <summary>The client was silent, or did not read, for too long.</summary>
    TimedOut = 1,

    /// <summary>The client sent what is no request line.</summary>
    Refused = 2,

    /// <summary>The connection broke.</summary>
    Broken = 3,

    /// <summary>The daemon ends.</summary>
    Stopping = 4,
}

/// <summary>
/// Serves one client after its connection is accepted: greets, reads request lines, has them carried out one at a time, writes
/// the replies. The listener (socket, rights, number of clients) is its caller's.
/// </summary>
/// <param name="version">Goes into the greeting.</param>
/// <param name="fault">Told of an exception out of the handler, which the client sees as <see cref="ReplyCode.InternalError"/>.</param>
public sealed class ControlServer(
    IControlHandler handler, string version, ControlLimits limits, TimeProvider time, Action<string, Exception>? fault = null)
{
    private const string JsonPrefix = "json ";
    private const string CompletePrefix = "complete ";

    /// <summary>Serves the client until it leaves, misbehaves or <paramref name="stopping"/>. The stream is not closed.</summary>
    /// <param name="access">What the socket that it came by allows.</param>
    /// <param name="peer">The client's process: leases are its.</param>
    /// <param name="takeDescriptors">
    /// Hands over what descriptors have come with the bytes so far; null: this stream carries none. Those that no command wants are closed.
    /// </param>
    public async Task<SessionEnd> ServeAsync(
        Stream stream, AccessLevel access, ControlPeer peer, CancellationToken stopping, Func<IReadOnlyList<SafeHandle>>? takeDescriptors = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var reader = new LineReader(stream, ControlLimits.RequestBytes, time);
        var writer = new ReplyWriter(stream, limits.Write, time);
        try
        {
            await writer.LastAsync(ReplyCode.Ready, $"SoftUnicast {version} ready.", stopping).ConfigureAwait(false);
            while (true)
            {
                var (end, line) = await reader.ReadAsync(limits.Idle, limits.Request, stopping).ConfigureAwait(false);
                switch (end)
                {
                    case LineEnd.Closed:
                        return SessionEnd.Closed;
                    case LineEnd.TimedOut:
                        await writer.LastAsync(ReplyCode.TimedOut, "no whole line came in time, closing", stopping).ConfigureAwait(false);
                        return SessionEnd.TimedOut;
                    case LineEnd.TooLong:
                        await writer.LastAsync(ReplyCode.TooLong, $"a line has at most {ControlLimits.RequestBytes} bytes, closing", stopping)
                            .ConfigureAwait(false);
                        return SessionEnd.Refused;
                    case LineEnd.NotText:
                        await writer.LastAsync(ReplyCode.NotText, "a line is UTF-8 text without control characters, closing", stopping)
                            .ConfigureAwait(false);
                        return SessionEnd.Refused;
                }

                var descriptors = takeDescriptors?.Invoke() ?? [];
                try
                {
                    if (!await AnswerAsync(writer, line, access, peer, descriptors, stopping).ConfigureAwait(false))
                    {
                        return SessionEnd.Closed;
                    }
                }
                finally
                {
                    foreach (var descriptor in descriptors)
                    {
                        descriptor.Dispose();
                    }
                }
            }
        }
        catch (TimeoutException)
        {
            return SessionEnd.TimedOut;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            await SayStoppingAsync(writer).ConfigureAwait(false);
            return SessionEnd.Stopping;
        }
        catch (IOException)
        {
            return SessionEnd.Broken;
        }
    }

    /// <summary>Tells a client that there are too many of them.</summary>
    public static async Task RefuseAsync(Stream stream, ControlLimits limits, TimeProvider time, CancellationToken stopping)
    {
        ArgumentNullException.ThrowIfNull(limits);
        try
        {
            await new ReplyWriter(stream, limits.Write, time)
                .LastAsync(ReplyCode.TooManyClients, $"{limits.Clients} clients are connected, try again later", stopping).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or TimeoutException)
        {
            // It will find out by the closed connection.
        }
    }

    /// <returns>False if the connection is to be closed.</returns>
    private async ValueTask<bool> AnswerAsync(
        ReplyWriter writer, string line, AccessLevel access, ControlPeer peer, IReadOnlyList<SafeHandle> descriptors, CancellationToken stopping)
    {
        if (line.Trim().Length == 0)
        {
            return true;
        }

        if (line.StartsWith(CompletePrefix, StringComparison.Ordinal))
        {
            await CompleteAsync(writer, line[CompletePrefix.Length..], stopping).ConfigureAwait(false);
            return true;
        }

        var json = line.StartsWith(JsonPrefix, StringComparison.Ordinal);
        var outcome = CommandParser.Parse(json ? line[JsonPrefix.Length..] : line);
        if (outcome is ParseError error)
        {
            await ErrorAsync(writer, ErrorReply.From(error), json, stopping).ConfigureAwait(false);
            return true;
        }

        var command = ((Parsed)outcome).Command;
        if (command.Needs > access)
        {
            await ErrorAsync(writer, access == AccessLevel.Register
                ? new ErrorReply(ReplyCode.AccessDenied, "access denied: this socket is for services that register themselves", "connect to the control socket")
                : command.Needs == AccessLevel.Register
                ? new ErrorReply(ReplyCode.AccessDenied, "access denied: this socket is read-only", "connect to the register socket")
                : new ErrorReply(ReplyCode.AccessDenied, "access denied: this socket is read-only", "connect to the control socket"), json, stopping).ConfigureAwait(false);
            return true;
        }

        switch (command)
        {
            case Quit:
                await writer.LastAsync(ReplyCode.Goodbye, "goodbye", stopping).ConfigureAwait(false);
                return false;
            case Help help:
                foreach (var text in Completion.HelpLines(help.About, handler.Names))
                {
                    await writer.LineAsync(ReplyCode.HelpText, text, stopping).ConfigureAwait(false);
                }

                await writer.LastAsync(ReplyCode.Done, "", stopping).ConfigureAwait(false);
                return true;
            case LocalCommand local:
                await ErrorAsync(writer, new ErrorReply(ReplyCode.LocalOnly, $"'{local.Word}' is nothing for the daemon",
                    $"run it from a shell: softunicastc {local.Word}"), json, stopping).ConfigureAwait(false);
                return true;
            default:
                return await CarryOutAsync(writer, line, command, peer, descriptors, json, stopping).ConfigureAwait(false);
        }
    }

    private async ValueTask<bool> CarryOutAsync(
        ReplyWriter writer, string line, ControlCommand command, ControlPeer peer, IReadOnlyList<SafeHandle> descriptors, bool json, CancellationToken stopping)
    {
        ControlReply reply;
        try
        {
            reply = await AskAsync(writer, command, peer, descriptors, json, stopping).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // The root of a request: a fault of one command must not take other clients with it.
        catch (Exception e) when (!stopping.IsCancellationRequested)
#pragma warning restore CA1031
        {
            fault?.Invoke(line, e);
            reply = new ErrorReply(ReplyCode.InternalError, "the daemon could not answer because of a fault of its own", "its log has the details");
        }

        if (reply is ErrorReply error)
        {
            await ErrorAsync(writer, error, json, stopping).ConfigureAwait(false);
            return true;
        }

        if (json)
        {
            await JsonAsync(writer, reply, stopping).ConfigureAwait(false);
        }
        else if (reply is not DownReply)
        {
            foreach (var text in reply.Lines())
            {
                await writer.LineAsync(reply.Code, text, stopping).ConfigureAwait(false);
            }
        }

        if (reply is DownReply down)
        {
            await writer.LastAsync(ReplyCode.GoingDown, json ? "" : down.Summary, stopping).ConfigureAwait(false);
            return false;
        }

        await writer.LastAsync(ReplyCode.Done, "", stopping).ConfigureAwait(false);
        return true;
    }

    private async ValueTask<ControlReply> AskAsync(
        ReplyWriter writer, ControlCommand command, ControlPeer peer, IReadOnlyList<SafeHandle> descriptors, bool json, CancellationToken stopping) => command switch
    {
        ShowStatus => (await handler.ShowStatusAsync(stopping).ConfigureAwait(false)).Reply,
        ShowBgp => (await handler.ShowBgpAsync(stopping).ConfigureAwait(false)).Reply,
        ShowPrefixes => (await handler.ShowPrefixesAsync(stopping).ConfigureAwait(false)).Reply,
        ShowSlices slices => (await handler.ShowSlicesAsync(slices, stopping).ConfigureAwait(false)).Reply,
        ShowSliceFor slice => (await handler.ShowSliceForAsync(slice, stopping).ConfigureAwait(false)).Reply,
        ShowTunnels => (await handler.ShowTunnelsAsync(stopping).ConfigureAwait(false)).Reply,
        ShowDrops => (await handler.ShowDropsAsync(stopping).ConfigureAwait(false)).Reply,
        ShowHost => (await handler.ShowHostAsync(stopping).ConfigureAwait(false)).Reply,
        TracePacket packet => (await handler.TracePacketAsync(packet, stopping).ConfigureAwait(false)).Reply,
        ShowPools => (await handler.ShowPoolsAsync(stopping).ConfigureAwait(false)).Reply,
        ShowLeases => (await handler.ShowLeasesAsync(stopping).ConfigureAwait(false)).Reply,
        ShowGuard => (await handler.ShowGuardAsync(stopping).ConfigureAwait(false)).Reply,
        Who who => (await handler.WhoAsync(who, stopping).ConfigureAwait(false)).Reply,
        Enroll enroll => (await handler.EnrollAsync(enroll, peer, stopping).ConfigureAwait(false)).Reply,
        Leave leave => (await handler.LeaveAsync(leave, peer, stopping).ConfigureAwait(false)).Reply,
        Lease lease => (await handler.LeaseAsync(lease, peer, stopping).ConfigureAwait(false)).Reply,
        Renew renew => (await handler.RenewAsync(renew, peer, stopping).ConfigureAwait(false)).Reply,
        Release release => (await handler.ReleaseAsync(release, peer, stopping).ConfigureAwait(false)).Reply,
        Hold hold => (await handler.HoldAsync(hold, peer, stopping).ConfigureAwait(false)).Reply,
        Bound bound => (await handler.BoundAsync(bound, peer, stopping).ConfigureAwait(false)).Reply,
        Drain drain => (await handler.DrainAsync(drain, peer, stopping).ConfigureAwait(false)).Reply,
        ShowBindings bindings => (await handler.ShowBindingsAsync(bindings, stopping).ConfigureAwait(false)).Reply,
        ShowDispatch => (await handler.ShowDispatchAsync(stopping).ConfigureAwait(false)).Reply,
        Bind bind => (await handler.BindAsync(bind, stopping).ConfigureAwait(false)).Reply,
        Unbind unbind => (await handler.UnbindAsync(unbind, stopping).ConfigureAwait(false)).Reply,
        Register register => (await handler.RegisterAsync(register, peer, descriptors, stopping).ConfigureAwait(false)).Reply,
        Unregister unregister => (await handler.UnregisterAsync(unregister, peer, stopping).ConfigureAwait(false)).Reply,
        Down down => (await handler.DownAsync(down, step => ReportAsync(writer, step, json, stopping), stopping).ConfigureAwait(false)).Reply,
        _ => await AskNamingAsync(command, stopping).ConfigureAwait(false),
    };

    private async ValueTask<ControlReply> AskNamingAsync(ControlCommand command, CancellationToken stopping) => command switch
    {
        ShowNaming => (await handler.ShowNamingAsync(stopping).ConfigureAwait(false)).Reply,
        TraceQuery query => (await handler.TraceQueryAsync(query, stopping).ConfigureAwait(false)).Reply,
        ShowAgility => (await handler.ShowAgilityAsync(stopping).ConfigureAwait(false)).Reply,
        AgilityMove move => (await handler.AgilityMoveAsync(move, stopping).ConfigureAwait(false)).Reply,
        AgilityEnd end => (await handler.AgilityEndAsync(end, stopping).ConfigureAwait(false)).Reply,
        AgilityDrain drain => (await handler.AgilityDrainAsync(drain, stopping).ConfigureAwait(false)).Reply,
        _ => throw new InvalidOperationException($"{command.GetType().Name} has no answer"),
    };

    // A client that left, or reads no more, does not stop what it began.
    private static async ValueTask ReportAsync(ReplyWriter writer, DownStep step, bool json, CancellationToken stopping)
    {
        if (json)
        {
            return;
        }

        try
        {
            await writer.LineAsync(ReplyCode.DownStep, step.ToString(), stopping).ConfigureAwait(false);
            await writer.FlushAsync(stopping).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or TimeoutException or OperationCanceledException)
        {
            // The reply at the end fails the same way, and ends the connection.
        }
    }

    private async ValueTask CompleteAsync(ReplyWriter writer, string line, CancellationToken stopping)
    {
        var result = Completion.Of(line, handler.Names);
        foreach (var candidate in result.Candidates)
        {
            var text = candidate.IsPlaceholder ? $"<{candidate.Text}>" : candidate.Text;
            await writer.LineAsync(ReplyCode.Completion, $"{text}\t{candidate.Help}", stopping).ConfigureAwait(false);
        }

        if (result.MayEnd && result.Start == line.Length)
        {
            await writer.LineAsync(ReplyCode.Completion, $"{Completion.EndOfLine}\tCarry it out", stopping).ConfigureAwait(false);
        }

        await writer.LastAsync(ReplyCode.Done, "", stopping).ConfigureAwait(false);
    }

    private static async ValueTask ErrorAsync(ReplyWriter writer, ErrorReply error, bool json, CancellationToken stopping)
    {
        if (json)
        {
            await JsonAsync(writer, error, stopping).ConfigureAwait(false);
            await writer.LastAsync(error.Code, "", stopping).ConfigureAwait(false);
            return;
        }

        var lines = error.Lines().ToArray();
        foreach (var text in lines[..^1])
        {
            await writer.LineAsync(error.Code, text, stopping).ConfigureAwait(false);
        }

        await writer.LastAsync(error.Code, lines[^1], stopping).ConfigureAwait(false);
    }

    private static async ValueTask JsonAsync(ReplyWriter writer, ControlReply reply, CancellationToken stopping)
    {
        var lines = writer.LinesOf(reply.Code);
        await using (lines.ConfigureAwait(false))
        {
            await ReplyJson.WriteAsync(lines, reply, stopping).ConfigureAwait(false);
            await lines.EndAsync(stopping).ConfigureAwait(false);
        }
    }

    private static async ValueTask SayStoppingAsync(ReplyWriter writer)
    {
        try
        {
            await writer.LastAsync(ReplyCode.Stopping, "the daemon is ending", CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or TimeoutException)
        {
            // The closed connection says the same.
        }
    }
}
