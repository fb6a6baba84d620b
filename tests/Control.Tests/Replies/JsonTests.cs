using System.Text.Json;
using System.Text.RegularExpressions;
using SoftUnicast.Control.Replies;
using SoftUnicast.Control.Tests.Support;

namespace SoftUnicast.Control.Tests.Replies;

public sealed partial class JsonTests
{
    public static TheoryData<string> Requests =>
    [
        "show status", "show bgp", "show prefixes", "show slices", "show slice for 192.0.2.1:5000", "show tunnels", "show drops",
        "show host", "trace packet udp from 203.0.113.9 to 192.0.2.1:5000", "show pools", "show leases", "show guard",
        "who 192.0.2.1:2050", "enroll 4711 pool us-general", "leave 4711", "lease pool us-general", "renew 17", "release 17",
        "hold 17 to 203.0.113.9:53", "bound 17-3", "drain server", "show bindings", "show dispatch", "bind www tcp 198.51.96.0/20 443",
        "unbind www tcp 198.51.96.0/20 443", "unregister www", "down",
        "show naming", "trace query www.example.com", "show agility", "agility move cdn to one", "agility end cdn", "agility drain twenty",
    ];

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task A_json_reply_is_one_object(string request)
    {
        await using var connection = new Connection();
        await connection.ReplyAsync();
        var lines = await connection.AskAsync("json " + request);
        using var json = JsonDocument.Parse(string.Join('\n', lines.SkipLast(1).Select((l, i) => i == 0 ? l[5..] : l[1..])));
        Assert.Equal(JsonValueKind.Object, json.RootElement.ValueKind);
        Assert.All(Names(json.RootElement), n => Assert.Matches(SnakeCase(), n));
    }

    /// <summary>Every number, address and name of the text is in the JSON: nothing is told to people only.</summary>
    [Fact]
    public void Text_and_json_hold_the_same_facts()
    {
        foreach (var reply in Samples.All.Concat([Samples.WhoUnknown, NamingSamples.NamingAtStart, NamingSamples.QueryForZone, NamingSamples.QueryForNothing]))
        {
            using var json = JsonDocument.Parse(ReplyJson.Of(reply));
            var facts = string.Join('\n', Values(json.RootElement));
            foreach (var line in reply.Lines())
            {
                foreach (Match fact in Facts().Matches(line))
                {
                    Assert.True(facts.Contains(fact.Value, StringComparison.Ordinal), $"{reply.GetType().Name}: '{fact.Value}' of '{line}' is not in\n{facts}");
                }
            }
        }
    }

    /// <summary>The names that programs rely on: they may grow, and never change.</summary>
    [Fact]
    public void Json_names_are_stable()
    {
        var names = Samples.All.Select(r =>
        {
            using var json = JsonDocument.Parse(ReplyJson.Of(r));
            return $"{r.GetType().Name}: {string.Join(' ', json.RootElement.EnumerateObject().Select(p => p.Name))}";
        });
        Assert.Equal(
            [
                "StatusReply: version server datacenter health problems started uptime_seconds configuration packet_path table bgp packets egress dispatch naming",
                "BgpReply: gobgpd asn router_id synchronised last_synchronised sessions announced slices_learned blocks_learned rejected recent",
                "PrefixesReply: prefixes",
                "SlicesReply: source slices disagreements",
                "SliceForReply: address port pool slice owner endpoint encapsulation next_hop meant claims quarantined_until",
                "TunnelsReply: local tunnels",
                "DropsReply: reasons dropped_packets dropped_bytes",
                "HostReply: kernel architecture pin_folder bpffs_mounted pins interfaces sysctls routes changed",
                "TraceReply: packet interface verdict reason meaning dropped steps owner endpoint encapsulation egress_interface output frame_hex output_hex",
                "DownReply: steps summary",
                "EnrollReply: cgroup path slices datagrams_nated because",
                "LeaveReply: cgroup path slices",
                "LeaseReply: lease kind process_id slices",
                "ReleaseReply: lease slices",
                "HoldReply: token state lease address port remote remote_port held_for_seconds",
                "DrainReply: undone slices sockets_left",
                "WhoReply: address port at server slice pool use state holders record unknown",
                "LeasesReply: leases choices",
                "PoolsReply: pools",
                "GuardReply: places reasons events holds",
                "BindingsReply: bindings not_bound",
                "DispatchReply: folder program_id bindings prefixes labels sockets refused last_refusal",
                "BoundReply: binding is_bound note",
                "RegisteredReply: label changed sockets notes",
                "RegisteredReply: label changed sockets notes",
                "NamingReply: file datacenter announced policies pools dnsdist pdns",
                "QueryReply: name type policy matched_by place attributes passed answer answered_by strategy address pool ttl_seconds because",
                "AgilityReply: state_file moves drained",
                "AgilityMoveReply: policy from to moved ttl_seconds behind",
                "AgilityDrainReply: pool undone policies ttl_seconds behind",
            ],
            names);
    }

    [Fact]
    public void Values_are_written_as_they_are_typed()
    {
        using var json = JsonDocument.Parse(ReplyJson.Of(Samples.Slices));
        var row = json.RootElement.GetProperty("slices")[3];
        Assert.Equal("192.0.2.2:0-65535", row.GetProperty("slice").GetString());
        Assert.Equal("datacenter", row.GetProperty("owner").GetProperty("kind").GetString());
        Assert.Equal("gre key 7", row.GetProperty("encapsulation").GetString());
        Assert.Equal("unowned", row.GetProperty("meant").GetProperty("kind").GetString());
        Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty("slices")[1].GetProperty("endpoint").ValueKind);
        using var status = JsonDocument.Parse(ReplyJson.Of(Samples.Status));
        Assert.Equal(93784, status.RootElement.GetProperty("uptime_seconds").GetDouble());
        Assert.Equal(0.00125, status.RootElement.GetProperty("table").GetProperty("last_write_seconds").GetDouble());
    }

    [Fact]
    public void A_reply_is_read_back_as_it_was()
    {
        var back = JsonSerializer.Deserialize(ReplyJson.Of(Samples.Slices), ControlJson.Default.SlicesReply)!;
        Assert.Equal(Samples.Slices.Slices, back.Slices);
        var tunnels = JsonSerializer.Deserialize(ReplyJson.Of(Samples.Tunnels), ControlJson.Default.TunnelsReply)!;
        Assert.Equal(Samples.Tunnels.Tunnels, tunnels.Tunnels);
        var prefixes = JsonSerializer.Deserialize(ReplyJson.Of(Samples.Prefixes), ControlJson.Default.PrefixesReply)!;
        Assert.Equal(Samples.Prefixes.Prefixes, prefixes.Prefixes);
    }

    [Theory]
    [InlineData("\"192.0.2.1:5-3\"")]
    [InlineData("7")]
    [InlineData("\"\"")]
    public void A_value_of_the_wrong_kind_is_refused(string slice)
    {
        var text = """{"source":"kernel","slices":[{"slice":SLICE,"pool":"p","owner":{"kind":"here","name":null}}]}""".Replace("SLICE", slice, StringComparison.Ordinal);
        Assert.ThrowsAny<JsonException>(() => JsonSerializer.Deserialize(text, ControlJson.Default.SlicesReply));
    }

    [Fact]
    public void An_error_is_an_object_with_its_code() => Assert.Equal(
        """
        {
          "error": "no pool is named 'x'",
          "hint": "show prefixes lists the pools",
          "column": null,
          "code": 8002
        }
        """,
        ReplyJson.Of(new ErrorReply(ReplyCode.NotFound, "no pool is named 'x'", "show prefixes lists the pools")));

    // Addresses, MAC addresses, slices, names with a hyphen and a digit, numbers of two digits and more that are no part of a time.
    [GeneratedRegex(@"(?<![\w.:/-])(\d+\.\d+\.\d+\.\d+(:\d+-\d+|/\d+)?|([0-9a-f]{2}:){5}[0-9a-f]{2}|2001:db8[0-9a-f:/]*|[a-z]+-\d|\d{3,})(?![\w.:/-]|\s[KMGT]?i?B)")]
    private static partial Regex Facts();

    [GeneratedRegex("^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
    private static partial Regex SnakeCase();

    private static IEnumerable<string> Names(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(p => Names(p.Value).Prepend(p.Name)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Names),
        _ => [],
    };

    private static IEnumerable<string> Values(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(p => Values(p.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Values),
        JsonValueKind.String => [element.GetString()!],
        _ => [element.GetRawText()],
    };
}
