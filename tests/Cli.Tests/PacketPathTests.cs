using System.Text.Json;

namespace SoftUnicast.Cli.Tests;

/// <summary>What is told of the packet path when the daemon is down.</summary>
public sealed class PacketPathTests
{
    private static readonly ConnectException Down = new("/run/x.sock: the daemon is down: no such socket", ExitStatus.DaemonDown);
    private static readonly CliOptions Text = new("/run/x.sock", false, false, null, "/pins", "/log");

    private static readonly PinnedReport Report = new(
        [new PinnedInterface("eth0", "native", 17), new PinnedInterface("eth1", null, 0)], 42,
        [new PinnedCounter("steered", "steer", false, 20, 2048), new PinnedCounter("rank", "drop", true, 0, 0), new PinnedCounter("unowned", "drop", true, 5, 320)]);

    [Fact]
    public void What_it_still_does_is_told()
    {
        var (status, data, error) = Tell(Down, Text, new Fake(Report, null));
        Assert.Equal((3, ""), (status, data));
        Assert.Equal(
            """
            softunicastc: /run/x.sock: the daemon is down: no such socket
            packet path: goes on steering on eth0 (native, program 17), by the tables of generation 42
              ! eth1: pinned, and nothing runs there
            reason   verdict  packets    bytes
            steered    steer       20  2.0 KiB
            unowned  ! drop         5    320 B

            """,
            error);
    }

    [Fact]
    public void Programs_are_told_the_same()
    {
        var (_, data, error) = Tell(Down, Text with { Json = true }, new Fake(Report, null));
        Assert.Equal("", data);
        using var json = JsonDocument.Parse(error);
        var path = json.RootElement.GetProperty("packet_path");
        Assert.Equal(42, path.GetProperty("generation").GetInt32());
        Assert.Equal("native", path.GetProperty("interfaces")[0].GetProperty("xdp_mode").GetString());
        Assert.Equal(JsonValueKind.Null, path.GetProperty("interfaces")[1].GetProperty("xdp_mode").ValueKind);
        Assert.Equal(20, path.GetProperty("reasons")[0].GetProperty("packets").GetInt32());
    }

    [Fact]
    public void Attached_nowhere_is_said() =>
        Assert.Contains("attached nowhere: no packet is steered", Tell(Down, Text, new Fake(Report with { Interfaces = [] }, null)).Error, StringComparison.Ordinal);

    [Fact]
    public void Why_nothing_is_known_is_said() =>
        Assert.EndsWith("packet path: only root may look\n", Tell(Down, Text, new Fake(null, "only root may look")).Error, StringComparison.Ordinal);

    [Fact]
    public void It_is_not_looked_at_when_the_daemon_lives()
    {
        var (status, _, error) = Tell(new ConnectException("permission denied", ExitStatus.NotPermitted), Text, new Fake(Report, null));
        Assert.Equal((4, "softunicastc: permission denied\n"), (status, error));
    }

    private static (int Status, string Data, string Error) Tell(ConnectException failure, CliOptions options, IPinnedPacketPath path)
    {
        using var data = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        return (PacketPath.Tell(failure, options, new Output(data, error), path), data.ToString(), error.ToString());
    }

    private sealed class Fake(PinnedReport? report, string? because) : IPinnedPacketPath
    {
        public (PinnedReport? Report, string? Because) Read(string pins) => (report, because);
    }
}
