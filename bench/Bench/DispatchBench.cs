using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using SoftUnicast.Dispatch;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;

namespace SoftUnicast.Bench;

/// <summary>
/// What dispatch costs a connection and a packet. Client and server are one thread on one core, so that nothing but the
/// kernel's path is between them. Each arm is a network namespace of its own; they take short turns, so that what disturbs the
/// machine disturbs them alike; a round's figure of an arm is the lower quartile of its batches, a ratio is the median over the
/// rounds. A second plain arm, the control, says how true the figures are.
/// </summary>
internal static unsafe partial class DispatchBench
{
    private const int Rounds = 31;
    private const int ShortRounds = 3;
    private const int Turns = 4;
    private const int Batches = 6; // a turn
    private const int WarmBatches = 16; // all destinations
    private const int Packets = 256;
    private const int Burst = 32; // within the receive buffer
    private const int Connections = 16;
    private const int PacketBytes = 64;
    private const string LabelName = "bench";
    private const int Destinations = 4096;
    private const int MSG_DONTWAIT = 0x40;
    private const int SOCK_CLOEXEC = 0x80000;
    private const int SOL_SOCKET = 1;
    private const int SO_LINGER = 13;
    private static readonly int[] Ports = [80, 443, 2052, 2053, 2082, 2083, 2086, 2087, 2095, 2096, 8080, 8443, 8880];

    /// <summary>Where packets go: ready addresses (<c>struct sockaddr_in</c>), and for each the number of its port in <see cref="Ports"/>.</summary>
    private sealed record Targets(byte[] Addresses, int[] PortNumbers)
    {
        public int Next { get; set; }

        public int Count => PortNumbers.Length;
    }

    public static IAgilityPart Run(bool isShort)
    {
        DispatchReport? report = null;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                report = RunHere(isShort ? ShortRounds : Rounds);
            }
            catch (Exception e) when (e is IOException or SocketException or InvalidOperationException)
            {
                failure = e;
            }
        });
        thread.Start(); // it moves from namespace to namespace, and ends in none that anybody needs
        thread.Join();
        return report ?? throw new IOException(failure!.Message, failure);
    }

    private static DispatchReport RunHere(int rounds)
    {
        var one = OneTarget();
        var many = ManyTargets();
        var arms = new List<Arm>();
        try
        {
            arms.Add(new Arm("plain"));
            arms.Add(new Arm("control"));
            arms.Add(new Floor());
            arms.Add(new Dispatched("1", 1));
            arms.Add(new Dispatched("100", 100));
            arms.Add(new Dispatched("10000", 10_000));
            Native.StayOnOneCpu();
            var rows = new List<(string Name, Arm Arm, Targets Targets)>();
            rows.AddRange(arms.Select(a => (a.Name, a, one)));
            rows.AddRange(arms.Where(a => a.Name is not ("1" or "100")).Select(a => (a.Name + " many", a, many)));
            arms.OfType<Dispatched>().ToList().ForEach(a => a.Bind(DispatchProtocol.Tcp));
            var tcp = Measure(rounds, rows, Connections, (arm, targets) => arm.OpenConnections(targets));
            arms.OfType<Dispatched>().ToList().ForEach(a => a.Bind(DispatchProtocol.Udp));
            var udp = Measure(rounds, rows, Packets, (arm, targets) => arm.SendPackets(targets));
            return Report(tcp, udp);
        }
        finally
        {
            arms.ForEach(a => a.Dispose());
        }
    }

    private static Dictionary<string, double[]> Measure(int rounds, List<(string Name, Arm Arm, Targets Targets)> rows, int operations, Action<Arm, Targets> run)
    {
        var figures = rows.ToDictionary(r => r.Name, _ => new double[rounds]);
        var batches = rows.ToDictionary(r => r.Name, _ => new double[Turns * Batches]);
        for (var round = -1; round < rounds; round++) // one to warm up
        {
            for (var turn = 0; turn < Turns; turn++)
            {
                for (var i = 0; i < rows.Count; i++)
                {
                    var (name, arm, targets) = rows[(i + turn + Math.Max(round, 0)) % rows.Count];
                    arm.Enter();

                    // What the arm uses comes into the caches, where its steady traffic would keep it; the arm before drove it out.
                    for (var warm = 0; warm < (targets.Count > 1 ? WarmBatches : 1); warm++)
                    {
                        run(arm, targets);
                    }

                    for (var batch = 0; batch < Batches; batch++)
                    {
                        var start = Stopwatch.GetTimestamp();
                        run(arm, targets);
                        batches[name][(turn * Batches) + batch] = Stopwatch.GetElapsedTime(start).TotalNanoseconds / operations;
                    }
                }
            }

            foreach (var (name, times) in batches.Where(_ => round >= 0))
            {
                figures[name][round] = times.Order().ElementAt(times.Length / 4);
            }
        }

        return figures;
    }

    private static DispatchReport Report(Dictionary<string, double[]> tcp, Dictionary<string, double[]> udp)
    {
        double Rate(Dictionary<string, double[]> figures, string arm, string against) =>
            Median(figures[arm].Zip(figures[against], (mine, other) => other / mine));
        Dictionary<string, double> Of(Dictionary<string, double[]> figures, string against) => new()
        {
            ["1"] = Rate(figures, "1", against),
            ["100"] = Rate(figures, "100", against),
            ["10000"] = Rate(figures, "10000", against),
            [DispatchReport.Random] = Rate(figures, "10000 many", against + " many"),
        };
        (double, double) Control(Dictionary<string, double[]> figures) => (Rate(figures, "control", "plain"), Rate(figures, "control many", "plain many"));
        var nanoseconds = tcp.Select(f => ("tcp " + f.Key, Median(f.Value))).Concat(udp.Select(f => ("udp " + f.Key, Median(f.Value))))
            .ToDictionary(f => f.Item1, f => f.Item2);
        return new DispatchReport(Of(tcp, "plain"), Of(udp, "plain"), Of(tcp, "floor"), Of(udp, "floor"), Control(tcp), Control(udp), nanoseconds);
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }

    // /24s of 10.0.0.0/8, and thirteen ports of each: 10,000 bindings are 770 prefixes a port.
    private static BindingTable Bindings(int count, DispatchProtocol protocol)
    {
        var label = Label.Parse(LabelName);
        var bindings = Enumerable.Range(0, count).Select(i => new Binding(
            label, protocol, new IpPrefix(IpAddress.FromUInt32(0x0a000000u + (uint)(i / Ports.Length << 8)), 24),
            new PortRange((ushort)Ports[i % Ports.Length], (ushort)Ports[i % Ports.Length])));
        return BindingTable.Create(bindings, [IpPrefix.Parse("10.0.0.0/8")]).Table!;
    }

    private static Targets OneTarget() => new(Address(0x0a000007, Ports[0]), [0]);

    private static Targets ManyTargets()
    {
        var random = new Random(1);
        var prefixes = 10_000 / Ports.Length; // those that are bound whole
        var addresses = new List<byte>();
        var ports = new int[Destinations];
        for (var i = 0; i < Destinations; i++)
        {
            ports[i] = random.Next(Ports.Length);
            addresses.AddRange(Address((uint)(0x0a000000 + (random.Next(prefixes) << 8) + random.Next(1, 255)), Ports[ports[i]]));
        }

        return new Targets([.. addresses], ports);
    }

    private static byte[] Address(uint address, int port)
    {
        var bytes = new byte[16];
        bytes[0] = 2; // AF_INET
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)port);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), address);
        return bytes;
    }

    /// <summary>A network namespace with a client, and plain sockets on every port.</summary>
    private class Arm : IDisposable
    {
        private readonly SafeFileHandle networkNamespace;
        private readonly Socket client;
        private readonly byte[] packet = new byte[PacketBytes];
        private readonly int[] tcp;
        private readonly int[] udp;
        private readonly List<Socket> sockets = [];

        public Arm(string name, bool isPlain = true)
        {
            Name = name;
            if (Unshare(Native.CLONE_NEWNET) < 0)
            {
                throw new SystemCallException("unshare", "network namespace", Marshal.GetLastPInvokeError(), "needs root");
            }

            networkNamespace = File.OpenHandle("/proc/thread-self/ns/net");
            Ip("link", "set", "lo", "up");
            Ip("route", "add", "local", "10.0.0.0/8", "dev", "lo");
            client = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            client.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            tcp = [.. Ports.Select(port => (int)Serve(SocketType.Stream, ProtocolType.Tcp, isPlain ? port : 0, isPlain).Handle)];
            udp = [.. Ports.Select(port => (int)Serve(SocketType.Dgram, ProtocolType.Udp, isPlain ? port : 0, isPlain).Handle)];
        }

        public string Name { get; }

        public void Enter()
        {
            if (SetNamespace(networkNamespace, Native.CLONE_NEWNET) < 0)
            {
                throw new SystemCallException("setns", Name, Marshal.GetLastPInvokeError());
            }
        }

        public void SendPackets(Targets targets)
        {
            fixed (byte* addresses = targets.Addresses)
            fixed (byte* bytes = packet)
            {
                var fd = (int)client.Handle;
                for (var done = 0; done < Packets; done += Burst)
                {
                    var first = targets.Next;
                    for (var i = 0; i < Burst; i++)
                    {
                        if (SendTo(fd, bytes, PacketBytes, 0, addresses + (16 * ((first + i) % targets.Count)), 16) != PacketBytes)
                        {
                            throw new SystemCallException("sendto", Name, Marshal.GetLastPInvokeError());
                        }
                    }

                    for (var i = 0; i < Burst; i++)
                    {
                        if (Receive(udp[targets.PortNumbers[(first + i) % targets.Count]], bytes, PacketBytes, MSG_DONTWAIT) != PacketBytes)
                        {
                            throw new SystemCallException("recv", Name, Marshal.GetLastPInvokeError(), "a packet went elsewhere");
                        }
                    }

                    targets.Next = (first + Burst) % targets.Count;
                }
            }
        }

        public void OpenConnections(Targets targets)
        {
            var reset = stackalloc int[2] { 1, 0 }; // struct linger: closing resets, so that nothing is left over
            fixed (byte* addresses = targets.Addresses)
            {
                for (var i = 0; i < Connections; i++)
                {
                    var fd = Open((int)AddressFamily.InterNetwork, 1 | SOCK_CLOEXEC, 6);
                    var connected = SetOption(fd, SOL_SOCKET, SO_LINGER, reset, 8) | Connect(fd, addresses + (16 * targets.Next), 16);
                    var accepted = connected < 0 ? -1 : Accept(tcp[targets.PortNumbers[targets.Next]], null, null, SOCK_CLOEXEC);
                    if (accepted < 0)
                    {
                        throw new SystemCallException("connect", Name, Marshal.GetLastPInvokeError(), "a connection went elsewhere");
                    }

                    _ = Close(fd);
                    _ = Close(accepted);
                    targets.Next = (targets.Next + 1) % targets.Count;
                }
            }
        }

        public virtual void Dispose()
        {
            sockets.ForEach(s => s.Dispose());
            client.Dispose();
            networkNamespace.Dispose();
        }

        /// <summary>The one socket for all ports, where the arm is not plain.</summary>
        protected Socket TheOne(ProtocolType protocol) => sockets.First(s => s.ProtocolType == protocol);

        private Socket Serve(SocketType type, ProtocolType protocol, int port, bool isPlain)
        {
            if (!isPlain && sockets.Find(s => s.ProtocolType == protocol) is { } there)
            {
                return there;
            }

            var socket = new Socket(AddressFamily.InterNetwork, type, protocol);
            sockets.Add(socket);
            socket.Bind(new IPEndPoint(IPAddress.Any, port));
            if (type == SocketType.Stream)
            {
                socket.Listen(1024);
                socket.Blocking = true;
            }

            return socket;
        }

        private static void Ip(params string[] arguments)
        {
            using var process = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true })!;
            var errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode != 0)
            {
                throw new IOException($"ip {string.Join(' ', arguments)}: {errors.Trim()}");
            }
        }
    }

    /// <summary>A program that does nothing but hand over one socket.</summary>
    private sealed class Floor : Arm
    {
        private readonly BpfLink link;

        public Floor()
            : base("floor", isPlain: false)
        {
            using var stream = typeof(DispatchBench).Assembly.GetManifestResourceStream("dispatch_floor.bpf.o")
                ?? throw new InvalidOperationException("the assembly has no resource dispatch_floor.bpf.o");
            var elf = new byte[stream.Length];
            stream.ReadExactly(elf);
            using var floor = BpfObject.Open("floor", elf);
            floor.Load(DispatchProgram.KernelNeeded);
            using var sockets = floor.Map("su_floor_sockets");
            sockets.Write(0, (ulong)TheOne(ProtocolType.Tcp).Handle);
            sockets.Write(1, (ulong)TheOne(ProtocolType.Udp).Handle);
            using var program = floor.Program("su_floor_find");
            link = BpfLink.AttachSocketLookup(program, "/proc/thread-self/ns/net");
        }

        public override void Dispose()
        {
            link.Dispose();
            base.Dispose();
        }
    }

    /// <summary>The real program, with bindings.</summary>
    private sealed class Dispatched : Arm
    {
        private readonly string folder;
        private readonly PinnedDispatch dispatch;
        private readonly int count;

        public Dispatched(string name, int count)
            : base(name, isPlain: false)
        {
            this.count = count;
            folder = Scratch.PinFolder(name);
            dispatch = PinnedDispatch.LoadOrAdopt(folder);
            var label = Label.Parse(LabelName);
            var refusal = dispatch.Register(label, TheOne(ProtocolType.Tcp).SafeHandle).Refusal
                ?? dispatch.Register(label, TheOne(ProtocolType.Udp).SafeHandle).Refusal;
            if (refusal is not null)
            {
                Dispose();
                throw new IOException(refusal);
            }
        }

        public void Bind(DispatchProtocol protocol)
        {
            if (dispatch.Apply(Bindings(count, protocol)).Refusal is { } refusal)
            {
                throw new IOException(refusal);
            }
        }

        public override void Dispose()
        {
            dispatch.Dispose();
            PinnedDispatch.Remove(folder);
            base.Dispose();
        }
    }

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(SafeFileHandle fd, int type);

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int Open(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    private static partial int SetOption(int fd, int level, int option, int* value, int length);

    [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
    private static partial int Connect(int fd, byte* address, int length);

    [LibraryImport("libc", EntryPoint = "accept4", SetLastError = true)]
    private static partial int Accept(int fd, byte* address, int* length, int flags);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int fd);

    [LibraryImport("libc", EntryPoint = "sendto", SetLastError = true)]
    private static partial nint SendTo(int fd, byte* bytes, nuint length, int flags, byte* address, int addressLength);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    private static partial nint Receive(int fd, byte* bytes, nuint length, int flags);
}
