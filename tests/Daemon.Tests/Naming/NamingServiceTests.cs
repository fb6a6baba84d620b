using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using SoftUnicast.Config;
using SoftUnicast.Control;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.Naming;
using SoftUnicast.Model;
using SoftUnicast.Naming.Tests;

namespace SoftUnicast.Daemon.Tests.Naming;

/// <summary>The files for dnsdist and the socket for PowerDNS, as passes keep them.</summary>
public sealed class NamingServiceTests : IDisposable
{
    private readonly NamingHouse house = new();

    [Fact]
    public async Task A_pass_writes_what_dnsdist_reads_and_answers_PowerDNS()
    {
        Assert.Empty(house.Pass());

        Assert.Contains("198.18.0.0/20 of twenty", await File.ReadAllTextAsync(house.StateFile, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal((UnixFileMode)0b110_100_100, File.GetUnixFileMode(house.StateFile));
        Assert.Equal((UnixFileMode)0b111_101_101, File.GetUnixFileMode(house.Config.DnsdistFolder));
        Assert.Equal(house.Generation(), house.Service.Written!.Value.Generation);
        Assert.Equal((UnixFileMode)0b110_110_110, File.GetUnixFileMode(house.Config.PdnsSocketPath!));
        var records = (await NamingHouse.AskAsync(house.Config.PdnsSocketPath!, "www.example.com.")).GetProperty("result");
        Assert.Equal(2, records.GetArrayLength());
        Assert.True(IpPrefix.Parse(NamingHouse.Twenty).Contains(IpAddress.Parse(records[0].GetProperty("content").GetString())));
        Assert.Equal((1L, 1L), (house.Service.Pdns!.Value.Requests, house.Service.Pdns!.Value.Records));
    }

    [Fact]
    public void A_pass_without_a_change_writes_nothing()
    {
        house.Pass();
        var (generation, table) = (house.Generation(), house.Service.Table);
        File.SetLastWriteTimeUtc(house.StateFile, DateTime.UnixEpoch);
        house.Pass();
        Assert.Equal((generation, DateTime.UnixEpoch), (house.Generation(), File.GetLastWriteTimeUtc(house.StateFile)));
        Assert.Same(table, house.Service.Table);
    }

    [Fact]
    public void Only_what_is_announced_here_is_answered()
    {
        house.Config = house.Config with { AlsoAnnounced = [] };
        house.Dispatch = new DispatchConfig([], [], [], "/nowhere", false);
        house.Announced = NamingHouse.Prefixes(NamingHouse.Twenty);
        Assert.Empty(house.Pass());
        Assert.Equal(("twenty", "twenty-four", "Nothing"), (house.Answer("www.example.com"), house.Answer("bare.example.net"), house.Answer("www.example.com", AddressTypes.Aaaa)));

        var before = house.Generation();
        house.Announced = NamingHouse.Prefixes("198.18.0.0/24");
        Assert.Empty(house.Pass());
        Assert.Equal((before + 1, "twenty-four"), (house.Generation(), house.Answer("www.example.com")));
        house.Announced = [];
        house.Pass();
        Assert.Equal(("Nothing", "Authoritative"), (house.Answer("www.example.com"), house.Answer("ns1.example.com")));
    }

    [Fact]
    public void A_server_that_dispatches_nothing_and_is_told_nothing_does_not_look_at_what_is_announced()
    {
        house.Config = house.Config with { AlsoAnnounced = [] };
        house.Pass();
        Assert.Null(house.Service.Table!.State.Announced);
        Assert.Equal("twenty", house.Answer("www.example.com"));
    }

    [Fact]
    public void At_a_restart_the_files_stay_until_something_is_announced_or_30_seconds_are_over()
    {
        house.Config = house.Config with { AlsoAnnounced = [] };
        house.Dispatch = new DispatchConfig([], [], [], "/nowhere", false);
        house.Announced = NamingHouse.Prefixes(NamingHouse.Twenty);
        house.Pass();
        var (generation, text) = (house.Generation(), File.ReadAllText(house.StateFile));

        house.Restart();
        house.Announced = [];
        var problem = Assert.Single(house.Pass());
        Assert.Equal($"names are answered as before: nothing is announced yet, and {house.StateFile} of an earlier daemon stays meanwhile", problem);
        Assert.Equal((generation, text), (house.Generation(), File.ReadAllText(house.StateFile)));
        Assert.Null(house.Service.Table);
        Assert.Equal(ReplyCode.NotReady, house.Agility.Drain("one", undo: false).Reply.Code);

        house.Time.Advance(TimeSpan.FromSeconds(30));
        Assert.Empty(house.Pass());
        Assert.Equal("Nothing", house.Answer("www.example.com"));

        house.Restart();
        house.Announced = NamingHouse.Prefixes(NamingHouse.Twenty);
        Assert.Empty(house.Pass());
        house.Announced = [];
        Assert.Empty(house.Pass());
        Assert.Equal("Nothing", house.Answer("www.example.com"));
    }

    [Fact]
    public void What_cannot_be_written_is_a_problem_and_written_when_it_can_be()
    {
        house.Pass();
        var text = File.ReadAllText(house.StateFile);
        Directory.CreateDirectory(house.StateFile + ".new");
        house.Of = Rules.Of(house.Of.Pools, [], Rules.Policy("other", ["example.org"], ["one"], types: AddressTypes.A));
        Assert.StartsWith("dnsdist answers as before: ", Assert.Single(house.Pass()), StringComparison.Ordinal);
        Assert.Equal(text, File.ReadAllText(house.StateFile));

        Directory.Delete(house.StateFile + ".new");
        Assert.Empty(house.Pass());
        Assert.Contains("example\\003org", File.ReadAllText(house.StateFile), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_is_gone_is_made_anew()
    {
        house.Pass();
        Directory.Delete(house.Config.DnsdistFolder, recursive: true);
        Assert.Empty(house.Pass());
        Assert.True(File.Exists(house.StateFile));
        Assert.Equal(2, (await NamingHouse.AskAsync(house.Config.PdnsSocketPath!, "www.example.com")).GetProperty("result").GetArrayLength());
    }

    [Fact]
    public async Task Connections_that_cannot_be_taken_are_a_problem_and_wait_until_they_can_be()
    {
        Assert.Empty(house.Pass());
        var listener = ListenerOf(house.Config.PdnsSocketPath!);
        var (kept, other) = (Dup(listener), Dup(0));
        Task<JsonElement> answer;
        try
        {
            Assert.Equal(listener, Dup2(other, listener)); // accept(2) fails: what has this number is no socket
            answer = NamingHouse.AskAsync(house.Config.PdnsSocketPath!, "www.example.com");
            string[] problems = [];
            await UntilAsync(() => (problems = house.Pass()).Length > 0);
            Assert.StartsWith("new connections of PowerDNS wait, those that are open are answered: ", Assert.Single(problems), StringComparison.Ordinal);
            Assert.False(answer.IsCompleted);
        }
        finally
        {
            Assert.Equal(listener, Dup2(kept, listener));
            _ = (Close(kept), Close(other));
        }

        await UntilAsync(() =>
        {
            house.Time.Advance(TimeSpan.FromSeconds(1));
            return answer.IsCompleted;
        });
        Assert.Equal(2, (await answer).GetProperty("result").GetArrayLength());
        await UntilAsync(() => house.Pass().Length == 0);
    }

    [Fact]
    public async Task A_socket_that_somebody_else_has_is_a_problem_until_it_is_free()
    {
        Directory.CreateDirectory(house.Config.DnsdistFolder);
        using (var other = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            other.Bind(new UnixDomainSocketEndPoint(house.Config.PdnsSocketPath!));
            other.Listen();
            Assert.Equal($"PowerDNS cannot ask: cannot listen on {house.Config.PdnsSocketPath}: another process listens there", Assert.Single(house.Pass()));
            Assert.Null(house.Service.Pdns);
            Assert.True(File.Exists(house.StateFile));
        }

        Assert.Empty(house.Pass());
        Assert.Equal(2, (await NamingHouse.AskAsync(house.Config.PdnsSocketPath!, "www.example.com")).GetProperty("result").GetArrayLength());
    }

    [Fact]
    public void A_group_may_be_given_the_socket()
    {
        house.Config = house.Config with { PdnsGroup = "no-such-group" };
        Assert.Contains("group no-such-group", Assert.Single(house.Pass()), StringComparison.Ordinal);
        house.Config = house.Config with { PdnsGroup = "root" };
        Assert.Empty(house.Pass());
        Assert.Equal((UnixFileMode)0b110_110_000, File.GetUnixFileMode(house.Config.PdnsSocketPath!));
    }

    [Fact]
    public async Task Other_places_are_taken_while_it_runs()
    {
        house.Pass();
        var (oldFile, oldSocket) = (house.StateFile, house.Config.PdnsSocketPath!);
        house.Config = house.Config with { DnsdistFolder = house.At("other"), PdnsSocketPath = house.At("other/pdns.sock") };
        Assert.Empty(house.Pass());
        Assert.Equal(File.ReadAllText(oldFile), File.ReadAllText(house.StateFile));
        Assert.False(File.Exists(oldSocket));
        Assert.Equal(2, (await NamingHouse.AskAsync(house.Config.PdnsSocketPath!, "www.example.com")).GetProperty("result").GetArrayLength());

        house.Config = house.Config with { PdnsSocketPath = null };
        Assert.Empty(house.Pass());
        Assert.False(File.Exists(house.At("other/pdns.sock")));
    }

    [Fact]
    public void What_was_moved_is_not_left_behind_by_a_reload()
    {
        var other = house.Config with { StatePath = "/elsewhere.json" };
        Assert.Equal(
            $"what was moved and drained is kept in {house.Config.StatePath}, and 'state' of 'naming' cannot change while the daemon runs: move the file, then restart it (packets go on)",
            NamingService.CannotTake(house.Config, other));
        Assert.Null(NamingService.CannotTake(house.Config, house.Config with { DnsdistFolder = "/x", PdnsSocketPath = null }));
        Assert.Null(NamingService.CannotTake(null, other));
        Assert.Null(NamingService.CannotTake(other, null));
    }

    [Fact]
    public void Without_the_section_the_authoritative_servers_answer_all()
    {
        house.Pass();
        var problems = ImmutableArray.CreateBuilder<Problem>();
        Directory.CreateDirectory(house.StateFile + ".new");
        Assert.False(house.Service.TryLeave(problems));
        Assert.StartsWith("dnsdist may go on with policies that are no longer in force: ", Assert.Single(problems).What, StringComparison.Ordinal);
        Assert.False(File.Exists(house.Config.PdnsSocketPath));

        Directory.Delete(house.StateFile + ".new");
        Assert.True(house.Service.TryLeave(problems));
        Assert.DoesNotContain("example", File.ReadAllText(house.StateFile), StringComparison.Ordinal);
    }

    [Fact]
    public async Task On_the_way_down_policies_fall_to_their_defaults()
    {
        house.Pass();
        Assert.Equal("5 policies are left with their defaults", house.Service.StopAnswering());
        Assert.DoesNotContain("of twenty", await File.ReadAllTextAsync(house.StateFile, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.True((await NamingHouse.AskAsync(house.Config.PdnsSocketPath!, "www.example.com")).TryGetProperty("log", out _));

        // Not all the way: the next pass answers again.
        Directory.CreateDirectory(house.StateFile + ".new");
        house.Pass();
        Assert.Equal("twenty", house.Answer("www.example.com"));
        Assert.StartsWith("dnsdist may go on with addresses of this server: ", house.Service.StopAnswering(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_files_stay_when_the_daemon_ends_and_the_socket_goes()
    {
        house.Pass();
        house.Restart();
        Assert.True(File.Exists(house.StateFile));
        Assert.False(File.Exists(house.Config.PdnsSocketPath));
    }

    [Fact]
    public void Loads_are_asked_for_by_policies_that_compare_them_every_2_seconds_and_averaged()
    {
        var asked = 0;
        var counts = new Dictionary<IpAddress, ulong> { [IpAddress.Parse("198.18.0.1")] = 1000 };
        house.Counters = () =>
        {
            asked++;
            return counts.ToDictionary();
        };
        house.Pass();
        Assert.Equal((0, false), (asked, house.Service.WantsAddressCounts));

        house.Of = Rules.Of([Rules.Pool("p", "198.18.0.0/30")], [], Rules.Policy("all", ["example.com"], ["p"], NamingStrategy.LeastLoaded, types: AddressTypes.A));
        house.Pass();
        Assert.Equal((1, true), (asked, house.Service.WantsAddressCounts));
        counts[IpAddress.Parse("198.18.0.1")] = 1100;
        counts[IpAddress.Parse("198.18.0.2")] = 7;
        house.Time.Advance(TimeSpan.FromSeconds(1.9));
        house.Pass();
        Assert.Equal((1, 0), (asked, house.Service.Table!.State.Loads.Count));

        house.Time.Advance(TimeSpan.FromSeconds(0.1));
        house.Pass();
        Assert.Equal([50L, 3L], house.Service.Table!.State.Loads.Values);
        Assert.Contains("] = 50,", File.ReadAllText(house.StateFile), StringComparison.Ordinal);

        // A counter that began anew: all of it is new. The other comes to rest.
        counts[IpAddress.Parse("198.18.0.1")] = 10;
        for (var i = 0; i < 2; i++)
        {
            house.Time.Advance(TimeSpan.FromSeconds(2));
            house.Pass();
        }

        Assert.Equal([KeyValuePair.Create(IpAddress.Parse("198.18.0.1"), 15L)], house.Service.Table!.State.Loads);
    }

    [Fact]
    public void Counters_that_cannot_be_read_are_a_problem_and_loads_are_unknown()
    {
        house.Of = Rules.Of([Rules.Pool("p", "198.18.0.0/30")], [], Rules.Policy("all", ["example.com"], ["p"], NamingStrategy.LeastLoaded, types: AddressTypes.A));
        house.Counters = () => throw new IOException("bpf: no such map");
        Assert.Equal("what comes to addresses cannot be counted: bpf: no such map", Assert.Single(house.Pass()));
        Assert.Equal("p", house.Answer("www.example.com"));
    }

    public void Dispose() => house.Dispose();

    private static async Task UntilAsync(Func<bool> condition)
    {
        for (var since = Stopwatch.StartNew(); !condition();)
        {
            Assert.True(since.Elapsed < TimeSpan.FromSeconds(30), "never came true");
            await Task.Yield();
        }
    }

    /// <summary>The descriptor of this process's own listening socket at a path.</summary>
    private static int ListenerOf(string path)
    {
        // Num RefCount Protocol Flags Type St Inode Path (proc_net(5)); flag 0x10000: it listens. The path is the one that was bound, before its renaming.
        var inode = File.ReadLines("/proc/self/net/unix").Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Single(row => row.Length > 7 && row[3] == "00010000" && row[7].StartsWith(path, StringComparison.Ordinal))[6];
        var link = Directory.GetFiles("/proc/self/fd").Single(fd => new FileInfo(fd).LinkTarget == $"socket:[{inode}]");
        return int.Parse(Path.GetFileName(link), CultureInfo.InvariantCulture);
    }

    [DllImport("libc", EntryPoint = "dup")]
    private static extern int Dup(int descriptor);

    [DllImport("libc", EntryPoint = "dup2")]
    private static extern int Dup2(int from, int to);

    [DllImport("libc", EntryPoint = "close")]
    private static extern int Close(int descriptor);
}
