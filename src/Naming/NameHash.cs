namespace SoftUnicast.Naming;

/// <summary>
/// Bob Jenkins' one-at-a-time hash over a name's wire form: additions and shifts of 32 bits alone, so that Lua computes the same.
/// </summary>
internal static class NameHash
{
    /// <summary>Seeds from here on are of the host bits' words; below it, of the draws for a prefix.</summary>
    public const uint HostSeed = 0x100;

    public static uint Of(ReadOnlySpan<byte> name, uint seed)
    {
        var hash = seed * 0x9e3779b9;
        foreach (var b in name)
        {
            hash += b;
            hash += hash << 10;
            hash ^= hash >> 6;
        }

        hash += hash << 3;
        hash ^= hash >> 11;
        hash += hash << 15;
        return hash;
    }
}
