using System.Buffers.Binary;
using System.Diagnostics;
using SoftUnicast.BgpSpeaker.Wire;
using SoftUnicast.Model;

namespace SoftUnicast.BgpSpeaker.Tests.Lab;

/// <summary>
/// A BGP peer that says whatever a test wants said, byte for byte (RFC 4271). It connects from its address to 10.9.0.1, speaks both
/// FlowSpec families, and reads without looking.
/// </summary>
internal sealed class RawPeer(BgpLab lab, IpAddress address, uint asn) : IAsyncDisposable
{
    private const byte Open = 1;
    private const byte Update = 2;
    private const byte Keepalive = 4;
    private Process? process;
    private readonly CancellationTokenSource stop = new();
    private readonly SemaphoreSlim sending = new(1);
    private Task reading = Task.CompletedTask;
    private Task keeping = Task.CompletedTask;

    /// <summary>The NOTIFICATION that the other side closed the session with: code, subcode and data.</summary>
    public byte[]? Notification { get; private set; }

    public bool Closed => reading.IsCompleted;

    public async Task ConnectAsync()
    {
        process = Process.Start(lab.Inside("socat", "STDIO", $"TCP:10.9.0.1:179,bind={address},retry=50,interval=0.1"))!;
        var id = address.ToBytes();
        byte[] capabilities =
        [
            1, 4, 0, 1, 0, Family.FlowSpecSafi, // multiprotocol: IPv4 FlowSpec (RFC 4760 8)
            1, 4, 0, 2, 0, Family.FlowSpecSafi,
            65, 4, (byte)(asn >> 24), (byte)(asn >> 16), (byte)(asn >> 8), (byte)asn, // 32-bit AS (RFC 6793)
        ];
        await SendAsync(Open, [4, (byte)(asn >> 8), (byte)asn, 0, 90, .. id, (byte)(capabilities.Length + 2), 2, (byte)capabilities.Length, .. capabilities]);
        reading = ReadAsync();
        keeping = KeepAliveAsync();
    }

    /// <summary>Announces one FlowSpec NLRI with these attributes beside ORIGIN, AS_PATH, LOCAL_PREF and MP_REACH_NLRI.</summary>
    public Task AnnounceAsync(bool ipv6, byte[] nlri, params byte[][] attributes)
    {
        var reach = Attribute(0x80, 14, [0, (byte)(ipv6 ? 2 : 1), Family.FlowSpecSafi, 0, 0, .. nlri]);
        byte[] all = [.. Attribute(0x40, 1, [0]), .. Attribute(0x40, 2, []), .. Attribute(0x40, 5, [0, 0, 0, 100]), .. reach, .. attributes.SelectMany(a => a)];
        return SendAsync(Update, [0, 0, (byte)(all.Length >> 8), (byte)all.Length, .. all]);
    }

    /// <summary>The same for a route of our own making, as if a reflector passed it on for its origin.</summary>
    public Task AnnounceAsync(OwnershipMatch match, PathAttributes attributes, IpAddress origin)
    {
        var communities = PathAttributeWriter.Write(Family.IPv4FlowSpec, [], attributes)[2..];
        return AnnounceAsync(match.Ports.Address.IsIPv6, FlowSpecWriter.Write(match.ToNlri()), [.. communities, Attribute(0x80, 9, origin.ToBytes())]);
    }

    public static byte[] Attribute(byte flags, byte type, byte[] value) => value.Length < 256
        ? [flags, type, (byte)value.Length, .. value]
        : [(byte)(flags | 0x10), type, (byte)(value.Length >> 8), (byte)value.Length, .. value];

    public async ValueTask DisposeAsync()
    {
        if (process is null)
        {
            return;
        }

        await stop.CancelAsync();
        await keeping;
        process.Kill();
        await process.WaitForExitAsync();
        await reading;
        process.Dispose();
        process = null;
        stop.Dispose();
        sending.Dispose();
    }

    private async Task KeepAliveAsync()
    {
        try
        {
            while (true)
            {
                await SendAsync(Keepalive, []);
                await Task.Delay(TimeSpan.FromSeconds(1), stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // Disposed, or the other side has closed the session.
        }
    }

    private async Task SendAsync(byte type, byte[] body)
    {
        var length = 19 + body.Length;
        byte[] message = [.. Enumerable.Repeat((byte)0xff, 16), (byte)(length >> 8), (byte)length, type, .. body];
        await sending.WaitAsync();
        try
        {
            await process!.StandardInput.BaseStream.WriteAsync(message);
            await process.StandardInput.BaseStream.FlushAsync();
        }
        finally
        {
            sending.Release();
        }
    }

    private async Task ReadAsync()
    {
        var stream = process!.StandardOutput.BaseStream;
        var header = new byte[19];
        while (await stream.ReadAtLeastAsync(header, 19, throwOnEndOfStream: false) == 19)
        {
            var body = new byte[BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(16)) - 19];
            if (await stream.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false) < body.Length)
            {
                return;
            }

            if (header[18] == 3)
            {
                Notification = body;
            }
        }
    }
}
