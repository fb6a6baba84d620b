using System.Globalization;

namespace SoftUnicast.Model;

/// <summary>How a packet is wrapped on its way to a tunnel endpoint.</summary>
public enum EncapsulationKind
{
    /// <summary>Generic UDP Encapsulation, variant 0, UDP port 6080 (draft-ietf-intarea-gue).</summary>
    Gue = 0,

    /// <summary>GRE (RFC 2784), with a key (RFC 2890) if one is set.</summary>
    Gre = 1,

    /// <summary>IP in IP (RFC 2003).</summary>
    Ipip = 2,
}

/// <summary>An encapsulation with its parameters. <c>default</c> is GUE. A key is legal with GRE only.</summary>
public readonly record struct Encapsulation
{
    public Encapsulation(EncapsulationKind kind, uint? key = null)
    {
        if (key is not null && kind != EncapsulationKind.Gre)
        {
            throw new ArgumentException("only GRE carries a key", nameof(key));
        }

        Kind = kind;
        Key = key;
    }

    public EncapsulationKind Kind { get; }

    /// <summary>The GRE key (RFC 2890), host byte order; null if the header has none.</summary>
    public uint? Key { get; }

    /// <summary>Bytes that it adds over IPv4: outer IP header and tunnel header.</summary>
    public int OverheadBytes => 20 + Kind switch
    {
        EncapsulationKind.Gue => 8 + 4,
        EncapsulationKind.Gre => Key is null ? 4 : 8,
        _ => 0,
    };

    public override string ToString() => (Kind, Key) switch
    {
        (EncapsulationKind.Gue, _) => "gue",
        (EncapsulationKind.Ipip, _) => "ipip",
        (_, null) => "gre",
        (_, { } key) => string.Create(CultureInfo.InvariantCulture, $"gre key {key}"),
    };
}

/// <summary>The outer address of a server or datacenter, with the encapsulation it wants (null: the pool's).</summary>
public readonly record struct TunnelEndpoint(IpAddress Address, Encapsulation? Encapsulation = null);
