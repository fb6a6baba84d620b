namespace SoftUnicast.BgpSpeaker.Tests.Lab;

/// <summary>Configurations of the BGP daemons around the speakers.</summary>
internal static class Configurations
{
    /// <summary>A FlowSpec route reflector on 10.9.0.100 with clients 10.9.0.1 to 10.9.0.COUNT.</summary>
    public static string BirdReflector(int count, string address = "10.9.0.100") => $$"""
        router id {{address}};
        flow4 table f4;
        flow6 table f6;
        protocol device {}
        template bgp session {
            local {{address}} as 64512;
            strict bind yes;
            rr client;
            graceful restart on;
            connect delay time 1;
            connect retry time 1;
            error wait time 1, 2;
            flow4 { table f4; import all; export all; validate off; };
            flow6 { table f6; import all; export all; validate off; };
        }
        {{string.Join('\n', Enumerable.Range(1, count).Select(n => $"protocol bgp s{n} from session {{ neighbor 10.9.0.{n} as 64512; }}"))}}
        """;
}
