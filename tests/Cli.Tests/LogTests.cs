using System.Text.Json;
using SoftUnicast.Cli.Tests.Support;
using SoftUnicast.Egress;
using SoftUnicast.Egress.Attribution;
using SoftUnicast.Egress.Life;
using SoftUnicast.Egress.SharingOut;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;

namespace SoftUnicast.Cli.Tests;

/// <summary>The attribution log by its files: <c>who</c> while the daemon is down, and <c>verify-log</c>.</summary>
public sealed class LogTests : IDisposable
{
    private const string Boot = "5f1c9a52-0e0b-4c4e-9d1c-6a6d0f6d5b01";
    private const string Day = "attribution-2026-11-22.jsonl";
    private const string Down = "the daemon is down: no such socket";
    private static readonly AddressPorts Slice = AddressPorts.Parse("192.0.2.7:4096-6143");
    private readonly string folder = Directory.CreateTempSubdirectory("softunicast-log-").FullName;

    public LogTests()
    {
        using var log = AttributionLog.Open(folder, "ams-1", Second(0), new FolderSync());
        var state = new SliceState(Slice, "us-general") { Phase = SlicePhase.Owned, Granted = true, Use = SliceUse.Range, Held = true, Since = Second(1) };
        var holder = new Holder(new ProcessName(4711, 360123), 1000, "curl");
        log.Append(
        [
            new AttributionEntry.SliceChanged(state, SliceRecords.Of(state.Phase)),
            new AttributionEntry.LeaseTaken(new Lease(1, holder, ["us-general"], [Slice], SliceUse.Range, Second(1).Wall)),
        ], Second(1));
        log.Stop(Second(60));
    }

    private string Nowhere => Path.Combine(folder, "none.sock");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("192.0.2.7:5123 2026-11-22T12:00:30Z", """
        192.0.2.7:5123 at 2026-11-22 12:00:30Z: ams-1
        slice   192.0.2.7:4096-6143 of pool us-general, owned, use range
        holder  lease  process  command  user  since
        lease   1         4711  curl     1000  2026-11-22 12:00:01Z
        record  attribution-2026-11-22.jsonl:3 (record 3)

        """)]
    [InlineData("192.0.2.8:5123 at 2026-11-22T12:00:30Z", """
        192.0.2.8:5123 at 2026-11-22 12:00:30Z: ams-1
        slice   none, not of this server
        holder  nobody
        record  attribution-2026-11-22.jsonl:1 (record 1)

        """)]
    [InlineData("192.0.2.7:5123 2026-11-22T11:00:00Z", """
        192.0.2.7:5123 at 2026-11-22 11:00:00Z: unknown, no record speaks of that time: it lies before the first one or behind the last one

        """)]
    public async Task Without_the_daemon_who_answers_from_the_log(string question, string answer) => Assert.Equal(
        new CliResult(0, answer, ""), await Support.Cli.RunAsync(["-s", Nowhere, "--log", folder, "who", .. question.Split(' ')]));

    [Fact]
    public async Task And_in_json()
    {
        var result = await Support.Cli.RunAsync("-s", Nowhere, "--log", folder, "--json", "who", "192.0.2.7:5123", "2026-11-22T12:00:30Z");
        Assert.Equal((0, ""), (result.Status, result.Error));
        using var json = JsonDocument.Parse(result.Data);
        Assert.Equal("ams-1", json.RootElement.GetProperty("server").GetString());
        Assert.Equal("curl", json.RootElement.GetProperty("holders")[0].GetProperty("command").GetString());
    }

    [Fact]
    public async Task Without_daemon_and_log_there_is_no_answer()
    {
        var missing = Path.Combine(folder, "missing");
        var result = await Support.Cli.RunAsync("-s", Nowhere, "--log", missing, "--pins", missing, "who", "192.0.2.7:5123");
        Assert.Equal((3, ""), (result.Status, result.Data));
        Assert.StartsWith($"softunicastc: there is no attribution log in {missing}\nsoftunicastc: {Nowhere}: {Down}", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_whole_log_verifies() => Assert.Equal(
        new CliResult(0, $"{folder}: 1 file, nothing was changed or taken out\n", ""), await Support.Cli.RunAsync("verify-log", folder));

    [Fact]
    public async Task A_changed_log_is_told_with_its_place()
    {
        var path = Path.Combine(folder, Day);
        await File.WriteAllTextAsync(path, (await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken)).Replace("curl", "wget", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        Assert.Equal(
            new CliResult(1, $"{folder}: 1 file, 1 fault\n", $"{Day}:4: it carries another hash than that of {Day}:3 (record 3): one of the two was changed\n"),
            await Support.Cli.RunAsync("verify-log", folder));
    }

    [Fact]
    public async Task What_is_no_log_does_not_verify()
    {
        var empty = Directory.CreateDirectory(Path.Combine(folder, "empty")).FullName;
        Assert.Equal(new CliResult(1, "", $"softunicastc: there is no attribution log in {empty}\n"), await Support.Cli.RunAsync("verify-log", empty));
        Assert.Equal(new CliResult(1, "", $"softunicastc: there is no attribution log in {Nowhere}\n"), await Support.Cli.RunAsync("verify-log", Nowhere));
        Assert.Equal(
            new CliResult(2, "", "softunicastc: verify-log wants one folder: softunicastc verify-log /var/lib/softunicast/attribution\n"),
            await Support.Cli.RunAsync("verify-log", empty, folder));
    }

    private static Clock Second(double second) =>
        new(new DateTimeOffset(2026, 11, 22, 12, 0, 0, TimeSpan.Zero).AddSeconds(second), TimeSpan.FromSeconds(3600 + second), Boot);
}
