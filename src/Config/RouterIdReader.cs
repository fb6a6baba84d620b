using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>BGP identifiers: a dotted quad other than 0.0.0.0, not necessarily an address of anything (RFC 6286).</summary>
internal static class RouterIdReader
{
    public static IpAddress? Read(Values values, DiagnosticBag bag, YamlNode? node)
    {
        if (values.Text(node, "'router-id'") is not { } text)
        {
            return null;
        }

        if (IpAddress.TryParse(text, out var id) && !id.IsIPv6 && id.Value != 0)
        {
            return id;
        }

        bag.Error(node!.Place, $"'router-id' is a dotted quad other than 0.0.0.0, not '{Quoted.Short(text)}'");
        return null;
    }
}
