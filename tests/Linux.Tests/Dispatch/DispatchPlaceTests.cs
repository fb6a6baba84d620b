using System.Net.Sockets;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Tests.Bpf;
using SoftUnicast.Linux.Tests.Net;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Tests.Dispatch;

/// <summary>What somebody takes from its place is put back there.</summary>
public class DispatchPlaceTests
{
    private const DispatchProtocol Tcp = DispatchProtocol.Tcp;

    [Fact]
    public void A_program_that_is_in_its_place_stays_there()
    {
        using var world = new DispatchWorld();

        Assert.Equal(AttachmentChange.None, world.Dispatch.KeepAttached());
    }

    [Fact]
    public async Task A_link_that_was_unpinned_is_made_and_pinned_anew()
    {
        using var world = new DispatchWorld();
        var listener = Serve(world);
        File.Delete(Link(world));
        await Eventually.True(() => world.IsRefused(Tcp, "10.1.2.3", 443), () => "the link lives"); // the kernel frees the pin after a grace period

        IsBackIn(world, listener, AttachmentChange.Attached);
    }

    [Fact]
    public void A_link_that_was_detached_is_made_and_pinned_anew()
    {
        using var world = new DispatchWorld();
        var listener = Serve(world);
        NetNamespace.Run("bpftool", "link", "detach", "pinned", Link(world));
        Assert.True(world.IsRefused(Tcp, "10.1.2.3", 443));

        IsBackIn(world, listener, AttachmentChange.Attached);
    }

    [Fact]
    public void Another_program_in_the_pinned_link_gives_its_place_back()
    {
        using var world = new DispatchWorld();
        var listener = Serve(world);
        using (var other = world.Within(() => PinnedDispatch.LoadOrAdopt(world.Pins.Folder)))
        {
            Assert.NotEqual(other.ProgramId, world.Dispatch.ProgramId);
            Assert.Equal(AttachmentChange.None, other.KeepAttached());
        }

        IsBackIn(world, listener, AttachmentChange.Swapped);
    }

    [Fact]
    public void Dispatch_that_was_ended_is_not_brought_back()
    {
        using var world = new DispatchWorld();
        PinnedDispatch.Remove(world.Pins.Folder);

        var refusal = Assert.Throws<PinnedStateException>(() => world.Dispatch.KeepAttached());

        Assert.Equal($"what was pinned in {world.Pins.Pin("")} is gone: socket dispatch was ended".Replace("/ is", " is", StringComparison.Ordinal), refusal.Message);
        Assert.False(Directory.Exists(world.Pins.Folder));
    }

    [Fact]
    public void A_link_of_another_network_namespace_is_left_alone()
    {
        using var world = new DispatchWorld();
        using var elsewhere = new NetNamespace();
        using var otherPins = new BpfPins();
        using var other = elsewhere.Within(() => PinnedDispatch.LoadOrAdopt(otherPins.Folder));
        File.Delete(Link(world));
        NetNamespace.Run("mv", otherPins.Pin("link_dispatch"), Link(world));

        var refusal = Assert.Throws<PinnedStateException>(() => world.Dispatch.KeepAttached());

        Assert.Contains("runs in another network namespace", refusal.Message, StringComparison.Ordinal);
    }

    private static string Link(DispatchWorld world) => world.Pins.Pin("link_dispatch");

    private static Socket Serve(DispatchWorld world)
    {
        world.Bind("www tcp 10.1.0.0/16 443");
        var listener = world.Serve(Tcp);
        world.Register("www", listener);
        return listener;
    }

    private static void IsBackIn(DispatchWorld world, Socket listener, AttachmentChange change)
    {
        Assert.Equal(change, world.Dispatch.KeepAttached());
        Assert.Equal(AttachmentChange.None, world.Dispatch.KeepAttached());
        Assert.Equal(0, world.WhoTakes(Tcp, "10.1.2.3", 443, [listener]));
        using var link = BpfLink.OpenPinned(Link(world));
        Assert.Equal(world.Dispatch.ProgramId, link.Info().ProgramId);
    }
}
