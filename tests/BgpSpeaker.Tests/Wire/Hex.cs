namespace SoftUnicast.BgpSpeaker.Tests.Wire;

/// <summary>Bytes a person can read: hexadecimal digits in any grouping, <c>#</c> starts a remark.</summary>
internal static class Hex
{
    public static byte[] Parse(string text) => Convert.FromHexString(string.Concat(text.Split('\n')
        .Select(line => line.Split('#')[0]).SelectMany(line => line.Where(c => !char.IsWhiteSpace(c)))));
}
