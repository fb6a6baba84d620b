using System.Collections.Immutable;
using SoftUnicast.Config;
using SoftUnicast.Control;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.Egress;
using SoftUnicast.Daemon.State;
using SoftUnicast.Egress;
using SoftUnicast.Egress.Attribution;
using SoftUnicast.Egress.Life;
using SoftUnicast.Egress.Nat;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.Tests.Egress;

/// <summary>
/// Enrolled cgroups, which are folders here as there: what is made again has another number. The chooser is not loaded, and the
/// table is no kernel's.
/// </summary>
public sealed class SliceHoldersTests : IDisposable
{
    private const string Pool = "us";
    private const string Path = "proxy.service";
    private static readonly AddressPorts[] Slices =
        [.. Enumerable.Range(1, 4).Select(i => AddressPorts.Parse($"192.0.2.1:{i * 2048}-{(i * 2048) + 2047}"))];
    private static readonly ControlPeer Self = new(Environment.ProcessId, 0, 0);
    private readonly string folder = Directory.CreateTempSubdirectory("su-holders-").FullName;
    private readonly FailingSync sync = new();
    private readonly Table table = new();
    private readonly DaemonConfiguration configuration;
    private AttributionLog log;
    private SliceBook book;
    private SliceHolders holders;
    private Clock now = new(new DateTimeOffset(2026, 11, 22, 12, 0, 0, TimeSpan.Zero), TimeSpan.FromHours(1), "boot");

    public SliceHoldersTests()
    {
        configuration = new DaemonConfiguration(
            "softunicast.yaml",
            new ServerConfig(
                "ams-1", "f", "a", [], new GobgpdConfig("g", null), new BgpConfig(null, []), new LogConfig(LogLevel.Info, null), new SocketsConfig("c", "s"), "/p",
                new EgressConfig("l", TimeSpan.FromSeconds(120), false, [])),
            Fleets.Two, Fleets.Assigned(), default);
        (log, book, holders) = Start();
        book.TryHappen(Slices.Select(s => (s, Pool, (SliceEvent)new SliceEvent.Granted())), now);
    }

    private string Cgroups => System.IO.Path.Combine(folder, "cgroup");

    public void Dispose()
    {
        log.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void An_enrolled_cgroup_gets_slices_and_its_datagrams_are_translated_by_its_number()
    {
        var id = Make();

        var reply = Enroll(id);

        Assert.Equal((true, null), (reply.DatagramsNated, reply.Because));
        Assert.Equal([id], table.Written.Cgroups.Select(c => c.Id));
        Assert.True(holders.PolicyOf(id).DatagramsAreNated);
        Assert.NotEmpty(holders.PolicyOf(id).Slices);
    }

    [Fact]
    public void A_service_that_was_restarted_is_enrolled_in_its_formers_place_and_the_rules_hold_the_new_number()
    {
        var former = Make();
        Enroll(former);
        var first = book.Leases.InForce.Keys.Single();
        var id = MakeAgain();

        var reply = Enroll(id);

        Assert.Equal((true, null), (reply.DatagramsNated, reply.Because));
        Assert.Equal([id], holders.Enrolled.Select(e => e.Id));
        Assert.Equal([id], book.Leases.InForce.Values.Select(l => l.Holder.CgroupId));
        Assert.EndsWith("ended with its process", book.Leases.Release(first, default, 0).Error!.Message, StringComparison.Ordinal);
        Assert.Equal([id], table.Written.Cgroups.Select(c => c.Id));
        Assert.True(holders.PolicyOf(id).DatagramsAreNated);
        Assert.False(holders.PolicyOf(former).DatagramsAreNated);
    }

    [Fact]
    public void A_former_cgroup_whose_end_cannot_be_written_down_leaves_everything_as_it_was()
    {
        var former = Make();
        Enroll(former);
        var id = MakeAgain();
        Break();

        var answer = holders.Enroll(configuration, new Enroll(id, SliceChoice.OfPool(Pool), Path), Self, now);

        Assert.Equal(ReplyCode.NotHandingOut, answer.Reply.Code);
        Assert.Equal([former], holders.Enrolled.Select(e => e.Id));
        Assert.Equal([former], book.Leases.InForce.Values.Select(l => l.Holder.CgroupId));
    }

    [Fact]
    public void Datagrams_are_refused_and_said_to_be_where_the_rules_cannot_be_written()
    {
        table.Refusal = "no room";
        var id = Make();

        var reply = Enroll(id);

        Assert.Equal((false, "NAT is not as it is meant: nft: no room"), (reply.DatagramsNated, reply.Because));
        Assert.False(holders.PolicyOf(id).DatagramsAreNated);
        Assert.NotEmpty(holders.PolicyOf(id).Slices);

        table.Refusal = null;
        Assert.Empty(holders.Keep(configuration, now));
        Assert.True(holders.PolicyOf(id).DatagramsAreNated);
    }

    [Fact]
    public void Datagrams_are_refused_while_rules_that_somebody_changed_cannot_be_put_back()
    {
        var id = Make();
        Enroll(id);
        table.Refusal = "no room";

        Assert.Equal("NAT is not as it is meant: nft: no room", Assert.Single(holders.Keep(configuration, now)).What);
        Assert.False(holders.PolicyOf(id).DatagramsAreNated);

        table.Refusal = null;
        Assert.Empty(holders.Keep(configuration, now));
        Assert.Equal(2, table.Writes);
        Assert.True(holders.PolicyOf(id).DatagramsAreNated);
    }

    [Fact]
    public void Datagrams_of_a_cgroup_that_nft_does_not_find_are_not_served()
    {
        table.GoneCgroups = [Path];
        var id = Make();

        var reply = Enroll(id);

        Assert.Equal((false, $"nft did not find {Path}"), (reply.DatagramsNated, reply.Because));
        Assert.False(holders.PolicyOf(id).DatagramsAreNated);
    }

    [Fact]
    public void Without_a_slice_for_it_no_datagram_is_served()
    {
        book.TryHappen(Slices[1..].Select(s => (s, Pool, (SliceEvent)new SliceEvent.Used(SliceUse.Range))), now);
        var id = Make();

        var answer = Enroll(id);

        Assert.Equal((false, "no slice is left for NAT"), (answer.DatagramsNated, answer.Because));
        Assert.False(holders.PolicyOf(id).DatagramsAreNated);
    }

    [Fact]
    public void A_cgroup_that_was_drained_is_still_enrolled_after_a_restart_and_gets_slices_again()
    {
        var id = Make();
        Enroll(id);
        Happen(new SliceEvent.DrainAsked());
        Assert.Empty(holders.PolicyOf(id).Slices);

        log.Dispose();
        (log, book, holders) = Start();
        holders.EndGone(now);
        Assert.Empty(holders.Keep(configuration, now));
        Assert.Equal([(id, Path)], holders.Enrolled.Select(e => (e.Id, e.Path!)));
        Assert.Equal(new ChooserPolicy([]), holders.PolicyOf(id));

        Happen(new SliceEvent.DrainCancelled());
        Assert.NotEmpty(holders.PolicyOf(id).Slices);
        Assert.True(holders.PolicyOf(id).DatagramsAreNated);
    }

    [Fact]
    public void A_cgroup_that_was_drained_and_is_gone_or_left_has_no_lease_any_more()
    {
        var id = Make();
        Enroll(id);
        var other = Make("other.service");
        Assert.IsType<EnrollReply>(holders.Enroll(configuration, new Enroll(other, SliceChoice.OfPool(Pool), "other.service"), Self, now).Reply);
        Happen(new SliceEvent.DrainAsked());
        Assert.Equal(2, book.Leases.InForce.Count);

        Assert.IsType<LeaveReply>(holders.Leave(configuration, new Leave(other), Self, now).Reply);
        Assert.Equal([id], book.Leases.InForce.Values.Select(l => l.Holder.CgroupId));

        Directory.Delete(System.IO.Path.Combine(Cgroups, Path));
        holders.EndGone(now);
        Assert.Empty(book.Leases.InForce);
        Assert.Empty(holders.Enrolled);
    }

    private void Happen(SliceEvent happened)
    {
        Assert.True(book.TryHappen(Slices.Select(s => (s, Pool, happened)), now));
        Assert.Empty(holders.Keep(configuration, now));
    }

    private EnrollReply Enroll(ulong id) =>
        Assert.IsType<EnrollReply>(holders.Enroll(configuration, new Enroll(id, SliceChoice.OfPool(Pool), Path), Self, now).Reply);

    private ulong Make(string name = Path) => Cgroup.Open(Directory.CreateDirectory(System.IO.Path.Combine(Cgroups, name)).FullName).Id;

    // Made before the former one goes, or the file system might give it the same number.
    private ulong MakeAgain()
    {
        var id = Make("next");
        Directory.Delete(System.IO.Path.Combine(Cgroups, Path));
        Directory.Move(System.IO.Path.Combine(Cgroups, "next"), System.IO.Path.Combine(Cgroups, Path));
        return id;
    }

    private (AttributionLog Log, SliceBook Book, SliceHolders Holders) Start()
    {
        var opened = AttributionLog.Open(System.IO.Path.Combine(folder, "log"), "ams-1", now, sync);
        var begun = new SliceBook(opened, new SliceLife(SliceLife.DefaultQuarantine));
        return (opened, begun, new SliceHolders(
            begun, new ChooserKeeper("/p", Cgroups), new NatKeeper("ams-1", () => table), new SocketCensus(TimeProvider.System)) { Refusal = null });
    }

    // A new day wants a new file, and its name cannot be made durable.
    private void Break()
    {
        sync.Fails = true;
        now = now with { Wall = now.Wall.AddDays(1), SinceBoot = now.SinceBoot + TimeSpan.FromDays(1) };
        Assert.Throws<AttributionException>(() => log.Tick(now));
    }

    private sealed class FailingSync : IFolderSync
    {
        public bool Fails { get; set; }

        public void Sync(string folder)
        {
            if (Fails)
            {
                throw new IOException("No space left on device");
            }
        }
    }

    /// <summary>Takes what the kernel's would.</summary>
    private sealed class Table : INatTable
    {
        private NatPlan? plan;

        public NatPlan Written => plan ?? throw new InvalidOperationException("nothing was written");

        public int Writes { get; private set; }

        /// <summary>Why nothing is taken, or null.</summary>
        public string? Refusal { get; set; }

        public ImmutableArray<string> GoneCgroups { get; set; } = [];

        public void Apply(NatPlan plan)
        {
            ThrowIfRefused();
            this.plan = plan;
            Writes++;
        }

        public ImmutableArray<string> Repair()
        {
            ThrowIfRefused();
            return [];
        }

        public void Dispose() => plan = null;

        private void ThrowIfRefused()
        {
            if (Refusal is not null)
            {
                throw new Linux.Net.NftablesException(Refusal);
            }
        }
    }
}
