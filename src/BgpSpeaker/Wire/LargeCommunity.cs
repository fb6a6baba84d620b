using System.Globalization;

namespace SoftUnicast.BgpSpeaker.Wire;

/// <summary>A large community (RFC 8092): <c>GlobalAdministrator:Function:Value</c>, host byte order.</summary>
internal readonly record struct LargeCommunity(uint GlobalAdministrator, uint Function, uint Value) : IComparable<LargeCommunity>
{
    public int CompareTo(LargeCommunity other)
    {
        var order = GlobalAdministrator.CompareTo(other.GlobalAdministrator);
        order = order != 0 ? order : Function.CompareTo(other.Function);
        return order != 0 ? order : Value.CompareTo(other.Value);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{GlobalAdministrator}:{Function}:{Value}");

    public static bool operator <(LargeCommunity left, LargeCommunity right) => left.CompareTo(right) < 0;

    public static bool operator >(LargeCommunity left, LargeCommunity right) => left.CompareTo(right) > 0;

    public static bool operator <=(LargeCommunity left, LargeCommunity right) => left.CompareTo(right) <= 0;

    public static bool operator >=(LargeCommunity left, LargeCommunity right) => left.CompareTo(right) >= 0;
}
