using System.Runtime.InteropServices;
using System.Text;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Wire;

namespace SoftUnicast.Control.Tests.Support;

/// <summary>A served connection in memory, driven from the client's end.</summary>
internal sealed class Connection : IAsyncDisposable
{
    private readonly CancellationTokenSource stopping = new();
    private readonly StreamReader reader;

    public Connection(AccessLevel access = AccessLevel.Full, IControlHandler? handler = null, int bufferBytes = 64 * 1024, Func<IReadOnlyList<SafeHandle>>? takeDescriptors = null)
    {
        (Client, var server) = PairedStream.Create(bufferBytes);
        reader = new StreamReader(Client, new UTF8Encoding(false));
        Served = Task.Run(async () =>
        {
            var end = await new ControlServer(handler ?? new SampleHandler(), "0.1.0", new ControlLimits(), Time, (_, e) => Faults.Add(e))
                .ServeAsync(server, access, new ControlPeer(4711, 1000, 1000), stopping.Token, takeDescriptors);
            server.HangUp();
            return end;
        });
    }

    public ManualTime Time { get; } = new();

    public PairedStream Client { get; }

    public Task<SessionEnd> Served { get; }

    public List<Exception> Faults { get; } = [];

    public async Task SendAsync(byte[] bytes) => await Client.WriteAsync(bytes, TestContext.Current.CancellationToken);

    public Task SendAsync(string text) => SendAsync(Encoding.UTF8.GetBytes(text));

    /// <summary>The next line as it came, or null at the end.</summary>
    public async Task<string?> LineAsync() => await reader.ReadLineAsync(TestContext.Current.CancellationToken);

    /// <summary>Lines up to the one that ends a reply.</summary>
    public async Task<List<string>> ReplyAsync()
    {
        var lines = new List<string>();
        while (await LineAsync() is { } line)
        {
            lines.Add(line);
            if (line.Length > 4 && line[4] == ' ' && char.IsAsciiDigit(line[0]))
            {
                break;
            }
        }

        return lines;
    }

    public async Task<List<string>> AskAsync(string request)
    {
        await SendAsync(request + "\n");
        return await ReplyAsync();
    }

    public void Stop() => stopping.Cancel();

    public async ValueTask DisposeAsync()
    {
        Client.HangUp();
        await stopping.CancelAsync();
        await Served;
        reader.Dispose();
        stopping.Dispose();
    }
}
