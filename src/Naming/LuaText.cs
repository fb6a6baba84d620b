using System.Globalization;
using System.Text;

namespace SoftUnicast.Naming;

/// <summary>Texts as Lua writes them.</summary>
internal static class LuaText
{
    public static string Quoted(string text) => Quoted(Encoding.UTF8.GetBytes(text));

    public static string Quoted(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder("\"");
        foreach (var b in bytes)
        {
            _ = b is >= 32 and < 127 && b is not ((byte)'"' or (byte)'\\')
                ? text.Append((char)b)
                : text.Append('\\').Append(b.ToString("D3", CultureInfo.InvariantCulture));
        }

        return text.Append('"').ToString();
    }
}
