using System.Globalization;
using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>Reads the quarantined ranges of one pool. They need not be slices of its present slice size.</summary>
internal sealed class QuarantineReader(DiagnosticBag bag)
{
    /// <summary>RFC 3339 in UTC; fractions of a second only if there are any.</summary>
    public const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'";

    private readonly Values values = new(bag);

    public List<Placed<QuarantinedSlice>> Read(YamlNode? node)
    {
        var list = new List<Placed<QuarantinedSlice>>();
        foreach (var item in values.List(node, "'quarantined'") ?? [])
        {
            if (Section.Open(bag, item, item.Place, "a quarantined slice", AssignmentKeys.Quarantined) is not { } section)
            {
                continue;
            }

            var sliceNode = section.Required("slice");
            var slice = Slice(sliceNode);
            var serverNode = section.Required("server");
            var server = values.Text(serverNode, "'server'");
            if (server is not null)
            {
                values.Name((YamlScalar)serverNode!, "server");
            }

            var until = Until(section.Required("until"));
            if (slice is { } ports && server is not null && until is { } end)
            {
                list.Add(new(new QuarantinedSlice(ports, server, end), sliceNode!.Place, true));
            }
        }

        return list;
    }

    private AddressPorts? Slice(YamlNode? node)
    {
        if (values.Text(node, "'slice'") is not { } text)
        {
            return null;
        }

        if (AddressPorts.TryParse(text, out var slice) && text.AsSpan(text.LastIndexOf(':')).Contains('-'))
        {
            return slice;
        }

        bag.Error(node!.Place, $"'slice' is ADDRESS:FIRST-LAST, an IPv6 address in brackets, not '{Quoted.Short(text)}'");
        return null;
    }

    private DateTimeOffset? Until(YamlNode? node)
    {
        if (values.Text(node, "'until'") is not { } text)
        {
            return null;
        }

        if (DateTimeOffset.TryParseExact(text, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var until))
        {
            return until;
        }

        bag.Error(node!.Place, $"'until' is a time such as 2026-11-22T12:00:00Z, in UTC, not '{Quoted.Short(text)}'");
        return null;
    }
}
