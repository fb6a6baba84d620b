namespace SoftUnicast.Egress.Nat;

/// <summary>
/// What may stand in a script: nft knows no way to escape a quote inside quotes, so a name that would need one is refused.
/// </summary>
internal static class NatNames
{
    private const int LongestInterface = 15; // IFNAMSIZ - 1

    /// <summary>A lower-case letter, then lower-case letters, digits and hyphens: no word of nft's own once it has our prefix.</summary>
    public static bool IsName(string text) => text.Length > 0
        && text[0] is >= 'a' and <= 'z'
        && text.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-');

    /// <summary>Without a star at its end, which would stand for any ending.</summary>
    public static bool IsInterface(string text) => text.Length is > 0 and <= LongestInterface
        && text is not ("." or "..")
        && text.All(c => c is > ' ' and < '\x7f' and not ('"' or '\\' or '/' or '*'));

    /// <summary>A path below the cgroup root. Backslashes are part of names there (systemd writes a hyphen as <c>\x2d</c>).</summary>
    public static bool IsCgroup(string text) => text.Length is > 0 and <= 1024
        && text.All(c => c is >= ' ' and < '\x7f' and not '"')
        && text.Split('/').All(part => part is not ("" or "." or ".."));
}
