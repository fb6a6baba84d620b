using System.Diagnostics;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Tests.Choose;

/// <summary>
/// A program with sockets, in a network namespace and a cgroup: Python, which evaluates what it is asked and answers in one line.
/// What it keeps open ends with it.
/// </summary>
internal sealed class PythonAgent : IDisposable
{
    private const string Prelude = """
        import errno, os, select, socket, sys, threading
        kept = []
        def name(s):
            host, port = s.getsockname()[:2]
            return f'{host}:{port}'
        def kind(text):
            return socket.SOCK_STREAM if text == 'tcp' else socket.SOCK_DGRAM
        def attempt(f):
            try:
                return f()
            except OSError as e:
                return errno.errorcode[e.errno]
        def open_to(what, host, port=80, family=socket.AF_INET, bind=None, options=()):
            s = socket.socket(family, kind(what))
            try:
                for o in options:
                    s.setsockopt(*o)
                if bind is not None:
                    s.bind(bind)
                s.connect((host, port))
            except OSError:
                s.close()
                raise
            kept.append(s)
            return name(s)
        def connect(*a, **k):
            return attempt(lambda: open_to(*a, **k))
        def fill(what, host, port=80, most=1000000):
            names = []
            try:
                while len(names) < most:
                    names.append(open_to(what, host, port))
            except OSError as e:
                names.append(errno.errorcode[e.errno])
            return ' '.join(names)
        def close_all():
            while kept:
                kept.pop().close()
        def echo():
            for s in kept:
                s.settimeout(30)
                s.sendall(b'.')
                if s.recv(1) != b'.':
                    raise SystemExit('no echo')
            return len(kept)
        def send_to(host, port=80, bind=None):
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            if bind is not None:
                s.bind(bind)
            s.settimeout(30)
            s.sendto(b'?', (host, port))
            data, _ = s.recvfrom(64)
            return data.decode()
        running = False
        def start_connecting(host, port=80):
            global running, worker, seen
            running, seen = True, []
            def work():
                while running:
                    try:
                        s = socket.socket()
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\x01\0\0\0\0\0\0\0')
                        s.connect((host, port))
                        seen.append(name(s))
                        s.close()
                    except OSError as e:
                        seen.append(errno.errorcode[e.errno])
            worker = threading.Thread(target=work)
            worker.start()
        def stop_connecting():
            global running
            running = False
            worker.join()
            return ' '.join(seen)
        def serve(hosts, port=80):
            poll = select.epoll()
            sockets = {}
            def keep(s):
                sockets[s.fileno()] = s
                poll.register(s, select.EPOLLIN)
            def add(s, host):
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
                s.bind((host, port))
                keep(s)
                return s
            listeners = {add(socket.socket(socket.AF_INET6 if ':' in h else socket.AF_INET), h) for h in hosts}
            for s in listeners:
                s.listen(4096)
            datagrams = {add(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), h) for h in hosts if ':' not in h}
            def work():
                while True:
                    for fd, _ in poll.poll():
                        s = sockets[fd]
                        try:
                            if s in listeners:
                                keep(s.accept()[0])
                            elif s in datagrams:
                                data, source = s.recvfrom(64)
                                s.sendto(data if data != b'?' else f'{source[0]}:{source[1]}'.encode(), source)
                            else:
                                data = s.recv(64)
                                if data:
                                    s.sendall(data)
                                else:
                                    raise ConnectionResetError
                        except OSError:
                            poll.unregister(fd)
                            del sockets[fd]
                            s.close()
            threading.Thread(target=work, daemon=True).start()
        print('ready', flush=True)
        for line in sys.stdin:
            print(eval(line), flush=True)
        os._exit(0)
        """;

    private readonly Process process;
    private readonly Task<string> errors;

    public PythonAgent(string networkNamespace, Cgroup? cgroup)
    {
        var enter = cgroup is null ? "" : $"echo $$ > {cgroup.Folder}/cgroup.procs && ";
        process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", $"{enter}exec nsenter --net=/run/netns/{networkNamespace} python3 -c \"$0\"", Prelude])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        errors = process.StandardError.ReadToEndAsync();
        Assert.Equal("ready", Answer());
    }

    public string Ask(string expression)
    {
        process.StandardInput.WriteLine(expression);
        process.StandardInput.Flush();
        return Answer();
    }

    /// <summary>Answers that are several words.</summary>
    public string[] AskMany(string expression) => Ask(expression).Split(' ', StringSplitOptions.RemoveEmptyEntries);

    public void Dispose()
    {
        process.StandardInput.Close();
        process.WaitForExit();
        process.Dispose();
    }

    private string Answer() => process.StandardOutput.ReadLine()
        ?? throw new InvalidOperationException($"the program has ended: {errors.Result}");
}
