using System.Globalization;

namespace SoftUnicast.Config;

/// <summary>From a file's content to its tree: the checks that every file gets before it is understood.</summary>
internal static class ConfigText
{
    public const int ConfigMaxBytes = 1 << 20;
    public const int AssignmentMaxBytes = 64 << 20;

    public static ConfigResult<T> Read<T>(string fileName, string text, int maxBytes, Func<YamlNode, DiagnosticBag, T?> read)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(fileName);
        ArgumentNullException.ThrowIfNull(text);
        var source = new SourceText(fileName, text.Length > maxBytes ? "" : text);
        var bag = new DiagnosticBag(source);
        if (text.Length > maxBytes)
        {
            TooLarge(bag, maxBytes);
            return bag.Result<T>(null);
        }

        var root = YamlTreeReader.Read(source, bag, maxBytes);
        return bag.Result(root is null ? null : read(root, bag));
    }

    public static ConfigResult<T> Read<T>(string fileName, ReadOnlySpan<byte> utf8, int maxBytes, Func<YamlNode, DiagnosticBag, T?> read)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(fileName);
        if (utf8.Length > maxBytes)
        {
            var bag = new DiagnosticBag(new SourceText(fileName, ""));
            TooLarge(bag, maxBytes);
            return bag.Result<T>(null);
        }

        var diagnostics = new List<Diagnostic>();
        return CharacterRules.Decode(fileName, utf8, diagnostics) is { } text
            ? Read(fileName, text, maxBytes, read)
            : new ConfigResult<T>(null, [.. diagnostics]);
    }

    public static void TooLarge(DiagnosticBag bag, int maxBytes) =>
        bag.Error(string.Create(CultureInfo.InvariantCulture, $"the file is larger than {maxBytes >> 20} MiB"));
}
