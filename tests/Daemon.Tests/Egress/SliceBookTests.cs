using SoftUnicast.Daemon.Egress;
using SoftUnicast.Egress;
using SoftUnicast.Egress.Attribution;
using SoftUnicast.Egress.Life;
using SoftUnicast.Egress.SharingOut;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.Tests.Egress;

/// <summary>What counts is what is durable; what closes is closed all the same.</summary>
public sealed class SliceBookTests : IDisposable
{
    private const string Pool = "us-general";
    private static readonly AddressPorts First = AddressPorts.Parse("192.0.2.1:2048-4095");
    private static readonly AddressPorts Second = AddressPorts.Parse("192.0.2.1:4096-6143");
    private readonly string folder = Directory.CreateTempSubdirectory("su-book-").FullName;
    private readonly FailingSync sync = new();
    private Clock now = new(new DateTimeOffset(2026, 11, 22, 12, 0, 0, TimeSpan.Zero), TimeSpan.FromHours(1), "boot");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_granted_slice_is_open_and_is_so_again_for_the_next_book()
    {
        using (var log = Open())
        {
            var book = Book(log);
            Assert.True(book.TryHappen([(First, Pool, new SliceEvent.Granted())], now));
            Assert.True(book.IsOpen(First));
        }

        using var again = Open();
        Assert.True(Book(again).IsOpen(First));
    }

    [Fact]
    public void Slices_change_together_with_the_lease_that_takes_them()
    {
        using var log = Open();
        var book = Book(log);
        book.TryHappen([(First, Pool, new SliceEvent.Granted())], now);
        var lease = Take(book, SliceUse.Range, First);

        Assert.True(book.TryHappen([(First, Pool, new SliceEvent.Used(SliceUse.Range))], now, new AttributionEntry.LeaseTaken(lease)));

        Assert.Equal(SliceUse.Range, book.Of(First)!.Use);
        Assert.Equal([First], book.Serving(SliceUse.Range, [Pool]));
        Assert.Equal([lease.Id], book.Leases.InForce.Keys);
    }

    [Fact]
    public void A_drained_slice_loses_its_leases_in_the_same_write()
    {
        using var log = Open();
        var book = Book(log);
        book.TryHappen([(First, Pool, new SliceEvent.Granted())], now);
        book.TryHappen([(First, Pool, new SliceEvent.Used(SliceUse.Range))], now, new AttributionEntry.LeaseTaken(Take(book, SliceUse.Range, First)));

        Assert.True(book.TryHappen([(First, Pool, new SliceEvent.DrainAsked())], now));

        Assert.Equal(SlicePhase.Draining, book.Of(First)!.Phase);
        Assert.Empty(book.Leases.InForce);
        Assert.False(book.IsOpen(First));
    }

    [Fact]
    public void What_cannot_be_written_changes_nothing_but_what_was_to_close_is_closed()
    {
        using var log = Open();
        var book = Book(log);
        book.TryHappen([(First, Pool, new SliceEvent.Granted()), (Second, Pool, new SliceEvent.Granted())], now);

        Break(log);
        Assert.False(book.TryHappen([(First, Pool, new SliceEvent.DrainAsked())], now));

        Assert.NotNull(book.Problem);
        Assert.Equal(SlicePhase.Owned, book.Of(First)!.Phase);
        Assert.False(book.IsOpen(First));
        Assert.True(book.IsOpen(Second));
        Assert.Empty(book.Serving(SliceUse.Range, [Pool]));

        Mend();
        Assert.True(book.TryHappen([(First, Pool, new SliceEvent.DrainAsked())], now));
        Assert.Null(book.Problem);
        Assert.Equal(SlicePhase.Draining, book.Of(First)!.Phase);
    }

    [Fact]
    public void A_drain_that_could_not_be_written_is_written_when_there_is_room()
    {
        using (var log = Open())
        {
            var book = Book(log);
            book.TryHappen([(First, Pool, new SliceEvent.Granted()), (Second, Pool, new SliceEvent.Granted())], now);
            book.TryHappen([(First, Pool, new SliceEvent.Used(SliceUse.Range))], now, new AttributionEntry.LeaseTaken(Take(book, SliceUse.Range, First)));
            Break(log);
            Assert.False(book.TryHappen([(First, Pool, new SliceEvent.DrainAsked())], now));
            Assert.False(book.TryCatchUp(now));
            Assert.False(book.IsOpen(First));

            Mend();
            Assert.True(book.TryHappen([(Second, Pool, new SliceEvent.Used(SliceUse.Exec))], now));
            Assert.False(book.IsOpen(First));
            Assert.True(book.TryCatchUp(now));
            Assert.Equal((SlicePhase.Draining, true), (book.Of(First)!.Phase, book.Of(First)!.DrainAsked));
            Assert.Empty(book.Leases.InForce);

            // Once: what is undone then stays so.
            Assert.True(book.TryHappen([(First, Pool, new SliceEvent.DrainCancelled())], now));
            Assert.True(book.TryCatchUp(now));
            Assert.True(book.IsOpen(First));
            Assert.True(book.TryHappen([(First, Pool, new SliceEvent.DrainAsked())], now));
        }

        using var again = Open();
        Assert.False(Book(again).IsOpen(First));
        Assert.True(Book(again).IsOpen(Second));
    }

    [Fact]
    public void A_drain_that_could_not_be_written_and_is_undone_leaves_the_slice_open()
    {
        using var log = Open();
        var book = Book(log);
        book.TryHappen([(First, Pool, new SliceEvent.Granted())], now);
        Break(log);
        Assert.False(book.TryHappen([(First, Pool, new SliceEvent.DrainAsked())], now));
        Assert.False(book.TryHappen([(First, Pool, new SliceEvent.DrainCancelled())], now));
        Assert.False(book.IsOpen(First));

        Mend();
        Assert.True(book.TryHappen([(First, Pool, new SliceEvent.DrainCancelled())], now));
        Assert.True(book.IsOpen(First));
        Assert.True(book.TryCatchUp(now));
        Assert.True(book.IsOpen(First));
        Assert.Equal(SlicePhase.Owned, book.Of(First)!.Phase);
    }

    [Fact]
    public void A_drain_of_a_slice_that_is_closed_already_is_not_lost_either()
    {
        using var log = Open();
        var book = Book(log);
        book.TryHappen([(First, Pool, new SliceEvent.Granted()), (First, Pool, new SliceEvent.Withdrawn())], now);
        Break(log);
        Assert.False(book.TryHappen([(First, Pool, new SliceEvent.DrainAsked())], now));

        Mend();
        Assert.True(book.TryCatchUp(now));
        Assert.True(book.TryHappen([(First, Pool, new SliceEvent.Granted())], now));
        Assert.Equal((SlicePhase.Draining, true), (book.Of(First)!.Phase, book.Of(First)!.DrainAsked));
    }

    [Fact]
    public void A_withdrawal_that_could_not_be_written_and_is_not_asked_again_leaves_the_slice_open()
    {
        using var log = Open();
        var book = Book(log);
        book.TryHappen([(First, Pool, new SliceEvent.Granted())], now);
        Break(log);
        Assert.False(book.TryHappen([(First, Pool, new SliceEvent.Withdrawn())], now));
        Assert.False(book.TryCatchUp(now));
        Assert.False(book.IsOpen(First));

        Mend();
        Assert.True(book.TryCatchUp(now));
        Assert.True(book.IsOpen(First));
    }

    [Fact]
    public void A_slice_follows_the_name_of_its_pool_also_over_a_restart()
    {
        using (var log = Open())
        {
            var book = Book(log);
            book.TryHappen([(First, Pool, new SliceEvent.Granted()), (Second, Pool, new SliceEvent.Granted())], now);
            book.TryHappen([(First, Pool, new SliceEvent.Used(SliceUse.Exec))], now);
            Assert.Empty(book.Renamed([First, Second], _ => Pool));
            Assert.Equal([First], book.Renamed([First, Second], s => s == First ? "renamed" : Pool));

            Assert.True(book.TryHappen([(First, "renamed", new SliceEvent.Granted("renamed"))], now));
            Assert.Equal(("renamed", SliceUse.Exec, true), (book.Of(First)!.Pool, book.Of(First)!.Use, book.IsOpen(First)));
            Assert.Equal([First], book.Serving(SliceUse.Exec, ["renamed"]));
        }

        using var again = Open();
        Assert.Equal(["renamed", Pool], Book(again).Slices.Values.Select(s => s.Pool));
    }

    [Fact]
    public void A_slice_of_another_size_is_granted_when_those_that_have_its_ports_are_free()
    {
        AddressPorts[] halves = [AddressPorts.Parse("192.0.2.1:2048-3071"), AddressPorts.Parse("192.0.2.1:3072-4095")];
        var elsewhere = AddressPorts.Parse("192.0.2.2:2048-3071");
        AddressPorts[] own = [.. halves, elsewhere, Second];
        using var log = Open();
        var book = Book(log);
        Assert.Equal([First], book.ToGrant([First]));
        book.TryHappen([(First, Pool, new SliceEvent.Granted()), (Second, Pool, new SliceEvent.Granted())], now);
        Assert.Equal([elsewhere], book.ToGrant(own));

        book.TryHappen([(First, Pool, new SliceEvent.Withdrawn())], now);
        Assert.Equal(SlicePhase.Draining, book.Of(First)!.Phase);
        Assert.Equal([elsewhere], book.ToGrant(own));
        Assert.Equal([First], book.ToGrant([First])); // the size is changed back

        book.TryHappen([(First, Pool, new SliceEvent.SocketsCounted(0))], now);
        Assert.Equal(SlicePhase.Quarantined, book.Of(First)!.Phase);
        Assert.Equal([elsewhere], book.ToGrant(own));

        now = now with { Wall = now.Wall + SliceLife.DefaultQuarantine, SinceBoot = now.SinceBoot + SliceLife.DefaultQuarantine };
        book.TryHappen([(First, Pool, new SliceEvent.Tick())], now);
        Assert.Equal([.. halves, elsewhere], book.ToGrant(own));
        Assert.True(book.TryHappen(book.ToGrant(own).ToList().Select(s => (s, Pool, (SliceEvent)new SliceEvent.Granted())), now));
        Assert.Empty(book.ToGrant(own));
        Assert.Empty(book.ToGrant([First])); // a larger one waits for the smaller ones in the same way
    }

    [Fact]
    public void A_slice_that_was_taken_away_stays_in_the_assignment_until_somebody_else_has_it()
    {
        var fleet = Fleets.Two;
        var assignment = Fleets.Assigned(("192.0.2.1:4096-6143", "ams-2"));

        var leaving = Daemon.State.Ownership.Leaving(assignment, fleet, Fleets.Self, [First, Second]);

        Assert.Equal(
            [new OwnedSlice(First, "ams-1"), new OwnedSlice(Second, "ams-2")],
            leaving.Pools.SelectMany(p => p.Slices));
        Assert.Same(assignment, Daemon.State.Ownership.Leaving(assignment, fleet, Fleets.Self, []));
    }

    private static Lease Take(SliceBook book, SliceUse use, params AddressPorts[] slices) =>
        book.Leases.Take(new Holder(new ProcessName(7, 8), 0, "curl"), [Pool], [.. slices], use, DateTimeOffset.UnixEpoch).Lease;

    private static SliceBook Book(AttributionLog log) => new(log, new SliceLife(SliceLife.DefaultQuarantine));

    private AttributionLog Open() => AttributionLog.Open(folder, "ams-1", now, sync);

    // A new day wants a new file, and its name cannot be made durable.
    private void Break(AttributionLog log)
    {
        sync.Fails = true;
        now = now with { Wall = now.Wall.AddDays(1), SinceBoot = now.SinceBoot + TimeSpan.FromDays(1) };
        Assert.Throws<AttributionException>(() => log.Tick(now));
    }

    private void Mend() => sync.Fails = false;

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
}
