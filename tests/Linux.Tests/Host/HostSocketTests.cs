using System.IO.Pipes;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using SoftUnicast.Dispatch;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Tests.Host;

/// <summary>Sockets that are handed over: by SCM_RIGHTS, out of a process, by the service manager.</summary>
[Collection(Descriptors.Name)]
public class HostSocketTests
{
    private const int F_DUPFD = 0;
    private const int F_GETFD = 1;
    private const int FD_CLOEXEC = 1;

    [Fact]
    public void Descriptors_come_over_a_Unix_socket_with_the_bytes_they_were_sent_with()
    {
        using var pair = new UnixPair();
        using var listener = Listen();
        using var other = Listen();

        Assert.Equal(8, SocketPassing.Send(pair.Client, "register"u8, listener.SafeHandle, other.SafeHandle));
        var buffer = new byte[100];
        var count = SocketPassing.Receive(pair.Server, buffer, out var descriptors);

        Assert.Equal("register", Encoding.ASCII.GetString(buffer, 0, count));
        Assert.Equal([Cookie(listener.SafeHandle), Cookie(other.SafeHandle)], descriptors.Select(Cookie));
        Assert.All(descriptors, d => d.Dispose());

        SocketPassing.Send(pair.Client, "plain"u8);
        Assert.Equal(5, SocketPassing.Receive(pair.Server, buffer, out descriptors));
        Assert.Empty(descriptors);
        pair.Client.Dispose();
        Assert.Equal(0, SocketPassing.Receive(pair.Server, buffer, out _));
    }

    [Fact]
    public void A_socket_that_came_and_went_leaves_the_service_its_own()
    {
        using var pair = new UnixPair();
        using var listener = Listen();
        SocketPassing.Send(pair.Client, "x"u8, listener.SafeHandle);
        SocketPassing.Receive(pair.Server, new byte[1], out var descriptors);
        descriptors[0].Dispose();

        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(listener.LocalEndPoint!);
        listener.Accept().Dispose();
    }

    [Fact]
    public void The_sockets_of_a_process_that_can_serve_are_taken_once_each()
    {
        using var listener = Listen();
        using var udp = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        udp.Bind(new IPEndPoint(IPAddress.Any, 0));
        var (tcpPort, udpPort) = ((ushort)((IPEndPoint)listener.LocalEndPoint!).Port, (ushort)((IPEndPoint)udp.LocalEndPoint!).Port);

        var taken = ProcessSockets.TakeAll(Environment.ProcessId);
        var found = taken.Select(t => t.Facts.Cookie).ToList();
        var one = Assert.Single(ProcessSockets.TakeAll(Environment.ProcessId, ProcessSockets.Having(DispatchProtocol.Tcp, tcpPort)));

        Assert.Contains(Cookie(listener.SafeHandle), found);
        Assert.Contains(Cookie(udp.SafeHandle), found);
        Assert.Equal(found.Distinct().Count(), found.Count);
        Assert.Equal(Cookie(listener.SafeHandle), one.Facts.Cookie);
        Assert.Single(ProcessSockets.TakeAll(Environment.ProcessId, ProcessSockets.Having(DispatchProtocol.Udp, udpPort)));
        one.Dispose();
        taken.ToList().ForEach(t => t.Dispose());
    }

    [Fact]
    public async Task A_number_that_is_a_file_or_nothing_by_the_time_it_is_taken_is_passed_over()
    {
        using var listener = Listen();
        using var isDone = new CancellationTokenSource();
        var churn = Task.Run(() =>
        {
            while (!isDone.IsCancellationRequested)
            {
                Listen().Dispose();
                File.OpenRead("/proc/self/status").Dispose();
            }
        }, TestContext.Current.CancellationToken);

        try
        {
            for (var i = 0; i < 300; i++)
            {
                var taken = ProcessSockets.TakeAll(Environment.ProcessId);
                Assert.Contains(Cookie(listener.SafeHandle), taken.Select(t => t.Facts.Cookie));
                taken.ToList().ForEach(t => t.Dispose());
            }
        }
        finally
        {
            await isDone.CancelAsync();
            await churn;
        }
    }

    [Fact]
    public void A_process_or_descriptor_that_there_is_not_is_named()
    {
        Assert.EndsWith("there is no such process", Assert.Throws<SystemCallException>(() => ProcessSockets.TakeAll(int.MaxValue)).Message, StringComparison.Ordinal);
        Assert.EndsWith("it has no such descriptor", Assert.Throws<SystemCallException>(() => ProcessSockets.Take(Environment.ProcessId, 999_999)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_service_manager_names_the_sockets_that_it_passes()
    {
        using var listener = Listen();
        var fd = Duplicate((int)listener.Handle);
        Dictionary<string, string> environment = new() { ["LISTEN_FDS"] = "1", ["LISTEN_PID"] = "77", ["LISTEN_FDNAMES"] = "http" };

        Assert.Empty(ListenDescriptors.Take(environment.GetValueOrDefault, 78, fd));
        var taken = Assert.Single(ListenDescriptors.Take(environment.GetValueOrDefault, 77, fd));

        Assert.Equal(("http", Cookie(listener.SafeHandle)), (taken.Name, Cookie(taken.Descriptor)));
        taken.Descriptor.Dispose();
        environment["LISTEN_FDNAMES"] = "a:b";
        Assert.Equal("LISTEN_FDNAMES has 2 names for 1 sockets", Assert.Throws<InvalidOperationException>(() => ListenDescriptors.Take(environment.GetValueOrDefault, 77, fd)).Message);
        environment.Remove("LISTEN_FDNAMES");
        Assert.EndsWith("the service manager did not pass it", Assert.Throws<SystemCallException>(() => ListenDescriptors.Take(environment.GetValueOrDefault, 77, 999_999)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Borrowed_sockets_are_duplicates_and_the_service_that_the_process_becomes_finds_its_own()
    {
        using var listener = Listen();
        using var original = new SafeFileHandle(Libc.Fcntl((int)listener.Handle, F_DUPFD, 100), ownsHandle: true);
        var fd = (int)original.DangerousGetHandle();
        Dictionary<string, string> environment = new() { ["LISTEN_FDS"] = "1", ["LISTEN_PID"] = "77", ["LISTEN_FDNAMES"] = "http" };

        Assert.Empty(ListenDescriptors.Borrow(environment.GetValueOrDefault, 78, fd));
        var borrowed = Assert.Single(ListenDescriptors.Borrow(environment.GetValueOrDefault, 77, fd));

        Assert.Equal(("http", Cookie(listener.SafeHandle)), (borrowed.Name, Cookie(borrowed.Descriptor)));
        Assert.NotEqual(fd, (int)borrowed.Descriptor.DangerousGetHandle());
        Assert.Equal(FD_CLOEXEC, Libc.Fcntl((int)borrowed.Descriptor.DangerousGetHandle(), F_GETFD, 0));
        borrowed.Descriptor.Dispose();
        Assert.Equal(0, Libc.Fcntl(fd, F_GETFD, 0));
        Assert.Equal(Cookie(listener.SafeHandle), Cookie(original));
        environment["LISTEN_FDNAMES"] = "a:b";
        Assert.Equal("LISTEN_FDNAMES has 2 names for 1 sockets", Assert.Throws<InvalidOperationException>(() => ListenDescriptors.Borrow(environment.GetValueOrDefault, 77, fd)).Message);
        environment["LISTEN_FDS"] = "one";
        Assert.Equal("LISTEN_FDS is 'one', which is not a number", Assert.Throws<InvalidOperationException>(() => ListenDescriptors.Borrow(environment.GetValueOrDefault, 77, fd)).Message);
    }

    [Fact]
    public void A_descriptor_that_is_not_there_is_named_and_the_duplicates_of_those_before_it_are_closed()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        var fd = Libc.Fcntl((int)pipe.ClientSafePipeHandle.DangerousGetHandle(), F_DUPFD, 9000); // far above those of other tests: the next is free
        pipe.DisposeLocalCopyOfClientHandle();
        Dictionary<string, string> environment = new() { ["LISTEN_FDS"] = "2", ["LISTEN_PID"] = "77" };

        var refusal = Assert.Throws<SystemCallException>(() => ListenDescriptors.Borrow(environment.GetValueOrDefault, 77, fd));

        Assert.Equal((Libc.EBADF, $"descriptor {fd + 1} of LISTEN_FDS"), (refusal.Errno, refusal.Subject));
        Assert.EndsWith("the service manager did not pass it", refusal.Message, StringComparison.Ordinal);
        _ = Libc.Close(fd);
        Assert.Equal(0, pipe.Read(new byte[1]));
    }

    [Theory]
    [InlineData("0.0.0.0", false, true)]
    [InlineData("::", true, true)]
    [InlineData("::1", true, false)]
    public void A_socket_says_which_families_it_takes(string address, bool isIPv6, bool takesIPv4)
    {
        var bindTo = IPAddress.Parse(address);
        using var socket = new Socket(bindTo.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (isIPv6)
        {
            socket.DualMode = takesIPv4;
        }

        socket.Bind(new IPEndPoint(bindTo, 0));
        socket.Listen();

        var facts = SocketFacts.Of(socket.SafeHandle);

        Assert.Equal((DispatchProtocol.Tcp, isIPv6, takesIPv4, true), (facts.Protocol, facts.IsIPv6, facts.TakesIPv4, facts.IsListening));
        Assert.Equal(((IPEndPoint)socket.LocalEndPoint!).Port, facts.Port);
        Assert.Null(facts.Refusal());
    }

    private static ulong Cookie(SafeHandle socket) => SocketFacts.Of(socket).Cookie;

    private static int Duplicate(int fd) => Libc.Fcntl(fd, Libc.F_DUPFD_CLOEXEC, 100);

    private static Socket Listen()
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        return listener;
    }
}
