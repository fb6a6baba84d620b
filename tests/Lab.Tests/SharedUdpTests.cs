using System.Text.Json;

namespace SoftUnicast.Lab.Tests;

/// <summary>One UDP port for flows to different destinations, by the real daemon's holds and the kernel's own word.</summary>
public sealed class SharedUdpTests(LabFixture lab)
{
    private const int Destinations = 24;
    private const int FirstPort = 7001;
    private const int Flows = 10_240; // ten times the 1,024 ports of a slice

    [Fact]
    public async Task More_flows_than_a_slice_has_ports_share_them_and_every_datagram_comes_back_to_its_socket()
    {
        lab.Require();
        await using var echo = LabProgram.Start("origin", "python3", "-c", Echo, LabFixture.OriginAddress, $"{FirstPort}", $"{Destinations}");
        Assert.True((await echo.NextAsync()).GetProperty("ready").GetBoolean());

        var ran = await LabFixture.RunAsync("nyc-2", "python3", Path.Combine(AppContext.BaseDirectory, "Programs", "flows.py"),
            $"{LabFixture.State}/nyc-2/control.sock", "eu-video", LabFixture.OriginAddress, $"{FirstPort}", $"{Destinations}", $"{Flows}");

        var result = JsonDocument.Parse(ran.Succeeded()).RootElement;
        Assert.Equal(Flows, result.GetProperty("flows").GetInt32());
        Assert.Equal(Flows, result.GetProperty("different").GetInt32()); // no 4-tuple twice
        Assert.InRange(result.GetProperty("ports").GetInt32(), 1, 1024);
        Assert.InRange(result.GetProperty("shared_ports").GetInt32(), 1000, 1024); // by the pigeonhole: hardly a port that serves one flow alone
        Assert.Equal(Flows, result.GetProperty("answered").GetInt32());
        await LabFixture.UntilAsync("the lease has ended with its process", async () =>
            !(await lab.ShowAsync("nyc-2", "leases")).GetProperty("leases").EnumerateArray().Any(l => l.GetProperty("use").GetString() == "explicit"));
    }

    // Answers every datagram on several ports.
    private const string Echo = """
        import json, select, socket, sys
        sockets = []
        for i in range(int(sys.argv[3])):
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind((sys.argv[1], int(sys.argv[2]) + i))
            sockets.append(s)
        print(json.dumps({"ready": True}), flush=True)
        while True:
            for s in select.select(sockets, [], [])[0]:
                data, peer = s.recvfrom(2048)
                s.sendto(data, peer)
        """;
}
