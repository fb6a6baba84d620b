using System.Globalization;
using System.Text;
using System.Text.Json;

namespace SoftUnicast.Egress.Attribution;

/// <summary>
/// The file <c>attribution.tip</c>: the latest record that was durable, and when its writer was alive last. It is written after
/// the record and never waited for, so it may lag behind, but never run ahead: a log that ends before it has lost records.
/// </summary>
/// <param name="Alive">The writer was there and nothing else had changed.</param>
internal sealed record LogTip(long Seq, string Hash, DateTimeOffset Alive)
{
    public const string FileName = "attribution.tip";

    /// <summary>Always as long, so that it is overwritten in place, in one block.</summary>
    public byte[] ToBytes() => Encoding.ASCII.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $"{{\"seq\":{Seq,19},\"hash\":\"{Hash}\",\"alive\":\"{LogRecordWriter.Text(Alive)}\"}}\n"));

    public static LogTip? Read(byte[]? bytes)
    {
        if (bytes is null)
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(bytes);
            var root = document.RootElement;
            var tip = new LogTip(
                root.GetProperty("seq").GetInt64(),
                root.GetProperty("hash").GetString()!,
                DateTimeOffset.Parse(root.GetProperty("alive").GetString()!, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal));
            return tip.ToBytes().AsSpan().SequenceEqual(bytes) ? tip : null;
        }
        catch (Exception refusal) when (refusal is JsonException or FormatException or KeyNotFoundException or InvalidOperationException or ArgumentException)
        {
            return null;
        }
    }
}
