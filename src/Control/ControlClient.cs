using System.Runtime.CompilerServices;
using System.Text;
using SoftUnicast.Control.Wire;

namespace SoftUnicast.Control;

/// <summary>The daemon's end of the connection did not behave as this protocol says.</summary>
public sealed class ControlProtocolException(string message) : IOException(message);

/// <summary>The client's end of a control connection.</summary>
public sealed class ControlClient(Stream stream, TimeProvider time)
{
    private readonly LineReader reader = new(stream, ControlLimits.ReplyLineBytes, time);

    /// <summary>The daemon has said more than was asked for, as it does before it hangs up.</summary>
    public bool HasMore => reader.HasMore;

    /// <summary>Reads the greeting: <c>0001 SoftUnicast 0.1.0 ready.</c>, or a refusal.</summary>
    /// <param name="patience">Longest wait for a line.</param>
    public async Task<ReplyLine> GreetingAsync(TimeSpan patience, CancellationToken cancellation)
    {
        var (end, text) = await reader.ReadAsync(patience, patience, cancellation).ConfigureAwait(false);
        return end switch
        {
            LineEnd.Line when ReplyLine.TryParse(text, null, out var line) && line.Last => line,
            LineEnd.TimedOut => throw new TimeoutException("the daemon does not answer"),
            LineEnd.Closed => throw new ControlProtocolException("the daemon hung up instead of greeting"),
            _ => throw new ControlProtocolException("this is no SoftUnicast control socket: its greeting is not understood"),
        };
    }

    /// <summary>Sends a request and yields the lines of its reply, as they come, to the last.</summary>
    /// <exception cref="TimeoutException">No line came within <paramref name="patience"/>.</exception>
    /// <exception cref="ControlProtocolException">The daemon hung up in the middle, or sent what is no reply.</exception>
    public async IAsyncEnumerable<ReplyLine> SendAsync(
        string request, TimeSpan patience, [EnumeratorCancellation] CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(request);
        var bytes = Encoding.UTF8.GetBytes(request + "\n");
        try
        {
            await stream.WriteAsync(bytes, cancellation).ConfigureAwait(false);
            await stream.FlushAsync(cancellation).ConfigureAwait(false);
        }
        catch (IOException)
        {
            // It hung up, and may have said why: what it said is read all the same.
        }

        ReplyLine line = default;
        int? before = null;
        do
        {
            line = await LineAsync(before, patience, cancellation).ConfigureAwait(false);
            before = line.Number;
            yield return line;
        }
        while (!line.Last);
    }

    private async Task<ReplyLine> LineAsync(int? before, TimeSpan patience, CancellationToken cancellation)
    {
        var (end, text) = await reader.ReadAsync(patience, patience, cancellation).ConfigureAwait(false);
        return end switch
        {
            LineEnd.Line when ReplyLine.TryParse(text, before, out var line) => line,
            LineEnd.TimedOut => throw new TimeoutException("the daemon does not answer"),
            LineEnd.Closed => throw new ControlProtocolException("the daemon hung up before its reply was complete"),
            _ => throw new ControlProtocolException("what came from the socket is no reply of a SoftUnicast daemon"),
        };
    }
}
