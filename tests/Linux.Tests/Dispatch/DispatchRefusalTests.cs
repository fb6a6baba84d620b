using System.Net;
using System.Net.Sockets;
using SoftUnicast.Dispatch;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Host;
using SoftUnicast.Linux.Tests.Net;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Tests.Dispatch;

/// <summary>What is refused, with what would be right, and that nothing is changed then. And what becomes of pins.</summary>
public class DispatchRefusalTests
{
    private static readonly Label Www = Label.Parse("www");

    [Fact]
    public void A_socket_that_cannot_take_packets_is_refused_with_the_reason()
    {
        using var world = new DispatchWorld();
        world.Bind("www tcp 10.1.0.0/16 443");
        var listener = world.Serve(DispatchProtocol.Tcp, port: 4000);
        using var connection = world.Ask(DispatchProtocol.Tcp, "127.0.0.1", 4000);
        using var asking = world.Ask(DispatchProtocol.Udp, "127.0.0.1", 4000);
        using var unix = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var bound = world.Within(() =>
        {
            var socket = world.Make(DispatchProtocol.Tcp, AddressFamily.InterNetwork);
            socket.Bind(new IPEndPoint(IPAddress.Any, 4001));
            return socket;
        });

        Assert.Equal("a TCP socket of 0.0.0.0:4001 is a socket that is not listening: call listen(2) before it is registered", Refusal(world, bound));
        Assert.EndsWith("is a connection, not a socket that listens", Refusal(world, connection), StringComparison.Ordinal);
        Assert.EndsWith("is connected: it can take packets of its peer alone", Refusal(world, asking), StringComparison.Ordinal);
        Assert.Equal("a Unix socket cannot be registered: a TCP socket that listens or a UDP socket is needed", Refusal(world, unix));
        Assert.Equal(
            "a UDP socket that is not bound cannot be registered: bind it to 0.0.0.0 or :: and any port",
            Refusal(world, world.Within(() => world.Make(DispatchProtocol.Udp, AddressFamily.InterNetwork))));
        Assert.Equal(
            "a UDP socket of 127.0.0.1:4002 could not answer from the address it was asked at, for it is bound to a loopback address: bind it to 0.0.0.0 or ::",
            Refusal(world, world.Serve(DispatchProtocol.Udp, 4002, address: "127.0.0.1")));
        Assert.Empty(world.Dispatch.Sockets());
        Assert.Null(world.Dispatch.Register(Www, listener.SafeHandle).Refusal);
    }

    [Fact]
    public void What_is_no_socket_is_refused_with_the_call()
    {
        using var world = new DispatchWorld();
        using var file = File.OpenHandle("/dev/null");

        var refusal = Assert.Throws<SystemCallException>(() => world.Dispatch.Register(Www, file));

        Assert.EndsWith("the descriptor is not a socket", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_socket_of_another_network_namespace_is_refused()
    {
        using var world = new DispatchWorld();
        using var elsewhere = new NetNamespace();
        using var socket = elsewhere.Within(() =>
        {
            var made = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            made.Bind(new IPEndPoint(IPAddress.Any, 4000));
            made.Listen();
            return made;
        });

        Assert.Equal("a TCP socket of 0.0.0.0:4000 belongs to another network namespace than the one that dispatch runs in", world.Dispatch.Register(Www, socket.SafeHandle).Refusal);
    }

    [Theory]
    [InlineData(RegisterMode.Join)]
    [InlineData(RegisterMode.Replace)]
    public void Several_sockets_are_registered_together_or_not_at_all(RegisterMode mode)
    {
        using var world = new DispatchWorld();
        world.Bind("www tcp 10.1.0.0/16 443", "www udp 10.1.0.0/16 443");
        var old = world.Serve(DispatchProtocol.Tcp, 4000);
        world.Register("www", old);
        Socket[] good = [world.Serve(DispatchProtocol.Tcp, 4001), world.Serve(DispatchProtocol.Tcp, 4002), world.Serve(DispatchProtocol.Udp, 4003)];
        var deaf = world.Within(() =>
        {
            var socket = world.Make(DispatchProtocol.Tcp, AddressFamily.InterNetwork);
            socket.Bind(new IPEndPoint(IPAddress.Any, 4004));
            return socket;
        });
        var before = world.Dispatch.Sockets();

        Assert.EndsWith("call listen(2) before it is registered", world.Dispatch.Register(Www, [.. good.Append(deaf).Select(s => s.SafeHandle)], mode).Refusal, StringComparison.Ordinal);
        Assert.Equal(before, world.Dispatch.Sockets());

        Assert.Null(world.Dispatch.Register(Www, [.. good.Select(s => s.SafeHandle)], mode).Refusal);
        var places = world.Dispatch.Sockets();
        Assert.Equal(mode == RegisterMode.Join ? 3 : 2, places.Count(p => p.Protocol == DispatchProtocol.Tcp && !p.IsIPv6));
        Assert.Equal(1, places.Count(p => p.Protocol == DispatchProtocol.Udp && !p.IsIPv6));
        Assert.InRange(world.WhoTakes(DispatchProtocol.Tcp, "10.1.2.3", 443, mode == RegisterMode.Join ? [old, good[0], good[1]] : [good[0], good[1]]), 0, 2);
    }

    [Fact]
    public void Too_many_sockets_at_once_replace_nobody()
    {
        using var world = new DispatchWorld();
        world.Bind("www tcp 10.1.0.0/16 443");
        var old = world.Serve(DispatchProtocol.Tcp, 4000);
        world.Register("www", old);
        var many = Enumerable.Range(0, 17).Select(i => world.Serve(DispatchProtocol.Tcp, 5000 + i).SafeHandle).ToList();

        Assert.StartsWith("the label has 16 sockets of this protocol already", world.Dispatch.Register(Www, [.. many], RegisterMode.Replace).Refusal, StringComparison.Ordinal);
        Assert.Equal(0, world.WhoTakes(DispatchProtocol.Tcp, "10.1.2.3", 443, [old]));
        Assert.Null(world.Dispatch.Register(Www, [.. many.Take(16)], RegisterMode.Replace).Refusal);
    }

    [Fact]
    public void A_label_that_no_binding_leads_to_takes_sockets_and_says_so()
    {
        using var world = new DispatchWorld();
        world.Bind("www udp 10.1.0.0/16 443", "www tcp 2001:db8::/48 443");
        var (six, four) = (world.Serve(DispatchProtocol.Tcp, 4000), world.Serve(DispatchProtocol.Tcp, 4001, address: "0.0.0.0"));

        Assert.Null(world.Register("www", six).Note);
        Assert.Equal("no binding of label www leads to a TCP socket of 0.0.0.0:4001 yet", world.Register("www", four).Note);

        world.Bind("www tcp 10.1.0.0/16 443");
        Assert.InRange(world.WhoTakes(DispatchProtocol.Tcp, "10.1.2.3", 443, [six, four]), 0, 1);
    }

    [Fact]
    public void The_seventeenth_socket_of_a_label_is_refused_and_the_others_stay()
    {
        using var world = new DispatchWorld();
        for (var i = 0; i < 16; i++)
        {
            world.Register("www", world.Serve(DispatchProtocol.Udp, address: "0.0.0.0"));
        }

        Assert.StartsWith("the label has 16 sockets of this protocol already", Refusal(world, world.Serve(DispatchProtocol.Udp, address: "0.0.0.0")), StringComparison.Ordinal);
        Assert.Equal(16, world.Dispatch.Sockets().Count);
    }

    [Fact]
    public void A_table_that_does_not_fit_is_refused_and_the_old_one_stays()
    {
        using var world = new DispatchWorld();
        world.Bind("www tcp 10.1.0.0/16 443");

        var report = world.Dispatch.Apply(DispatchWorld.Table(
            [.. Enumerable.Range(0, 500).Select(i => $"a tcp 10.{i / 256}.{i % 256}.0/24 1-65000"), .. Enumerable.Range(0, 500).Select(i => $"a tcp 10.9.0.0/16 {1000 + i}")]));

        Assert.StartsWith("the port ranges overlap too much", report.Refusal, StringComparison.Ordinal);
        Assert.Equal("www tcp 10.1.0.0/16 443", Assert.Single(world.Dispatch.Bindings.Bindings).ToString());
    }

    [Fact]
    public void Counters_of_a_binding_begin_anew_when_it_is_bound_anew_and_last_while_it_stays()
    {
        using var world = new DispatchWorld();
        world.Bind("www tcp 10.1.0.0/16 443");
        Assert.True(world.IsRefused(DispatchProtocol.Tcp, "10.1.2.3", 443));
        world.Bind("www tcp 10.1.0.0/16 443", "www tcp 10.2.0.0/16 443");
        Assert.Equal(1ul, world.Counters("www tcp 10.1.0.0/16 443").Misses);

        world.Bind("www tcp 10.2.0.0/16 443");
        world.Bind("www tcp 10.1.0.0/16 443");

        Assert.Equal(0ul, world.Counters("www tcp 10.1.0.0/16 443").Misses);
    }

    [Fact]
    public void Pins_that_run_in_another_namespace_are_refused_and_those_of_one_that_is_gone_are_taken_over()
    {
        using var world = new DispatchWorld();
        world.Bind("www tcp 10.1.0.0/16 443");
        using (var elsewhere = new NetNamespace())
        {
            var refusal = Assert.Throws<InvalidOperationException>(() => elsewhere.Within(() => PinnedDispatch.LoadOrAdopt(world.Pins.Folder)));
            Assert.Contains("runs in another network namespace", refusal.InnerException!.Message, StringComparison.Ordinal);
        }

        PinnedDispatch.Remove(world.Pins.Folder);
        using (var brief = new NetNamespace())
        {
            using var first = brief.Within(() => PinnedDispatch.LoadOrAdopt(world.Pins.Folder));
            Assert.Equal(AttachmentChange.Attached, first.Attachment);
            first.Apply(DispatchWorld.Table("www tcp 10.1.0.0/16 443"));
        }

        using var next = Adopt(world);
        Assert.Equal(AttachmentChange.Attached, next.Attachment);
        Assert.Single(next.Bindings.Bindings);
        using var again = PinnedDispatch.LoadOrAdopt(world.Pins.Folder, $"/run/netns/{world.Namespace.Name}");
        Assert.Equal(AttachmentChange.Swapped, again.Attachment);
    }

    [Fact]
    public void The_verifier_walks_few_instructions_for_its_limit_of_a_million()
    {
        using var world = new DispatchWorld();

        Assert.InRange(world.Dispatch.VerifiedInstructions, 1, 20_000);
    }

    [Fact]
    public void What_is_pinned_can_be_looked_at_and_is_gone_when_it_is_removed()
    {
        using var world = new DispatchWorld();
        world.Bind("www tcp 10.1.0.0/16 443");
        world.Register("www", world.Serve(DispatchProtocol.Tcp));
        using (var look = PinnedDispatch.OpenReadOnly(world.Pins.Folder))
        {
            Assert.Equal("www tcp 10.1.0.0/16 443", Assert.Single(look.Bindings().Bindings).ToString());
            Assert.Equal(2, look.Sockets().Count);
            Assert.Equal(0ul, Assert.Single(look.ReadCounters()).Hits);
            Assert.Equal(1ul, look.Generation);
        }

        Assert.True(PinnedDispatch.Remove(world.Pins.Folder));
        Assert.False(PinnedDispatch.Remove(world.Pins.Folder));
        Assert.True(world.IsRefused(DispatchProtocol.Tcp, "10.1.2.3", 443));
        Assert.EndsWith("socket dispatch is not loaded", Assert.Throws<PinnedStateException>(() => PinnedDispatch.OpenReadOnly(world.Pins.Folder)).Message, StringComparison.Ordinal);
    }

    // The kernel takes a dead namespace down in a moment of its own.
    private static PinnedDispatch Adopt(DispatchWorld world)
    {
        for (var end = DateTime.UtcNow.AddSeconds(20); ;)
        {
            try
            {
                return world.Within(() => PinnedDispatch.LoadOrAdopt(world.Pins.Folder));
            }
            catch (InvalidOperationException e) when (e.InnerException is PinnedStateException && DateTime.UtcNow < end)
            {
                Thread.Yield();
            }
        }
    }

    private static string Refusal(DispatchWorld world, Socket socket) => world.Dispatch.Register(Www, socket.SafeHandle).Refusal!;
}
