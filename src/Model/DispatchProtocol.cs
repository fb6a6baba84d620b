namespace SoftUnicast.Model;

/// <summary>What is dispatched, by its IP protocol number.</summary>
public enum DispatchProtocol
{
    Tcp = 6,
    Udp = 17,
}

/// <summary>The names of protocols, as commands and shows have them.</summary>
public static class DispatchProtocols
{
    public static string Name(this DispatchProtocol protocol) => protocol == DispatchProtocol.Tcp ? "tcp" : "udp";

    /// <summary><c>tcp</c> or <c>udp</c>.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out DispatchProtocol protocol)
    {
        protocol = text is "udp" ? DispatchProtocol.Udp : DispatchProtocol.Tcp;
        return text is "tcp" or "udp";
    }
}
