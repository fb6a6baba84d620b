using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using SoftUnicast.Tests.Support;

namespace SoftUnicast.Naming.Tests.Lab;

/// <summary>A namespace with real DNS servers in it. Every user may read its folder, for servers that give up root.</summary>
internal sealed partial class NamingLab() : LabNamespace("suname")
{
    private const int CLONE_NEWNET = 0x40000000;

    /// <summary>Skips the test, with the reason, where it cannot run.</summary>
    public static async Task<NamingLab> CreateAsync(params string[] programs)
    {
        RequireRoot();
        foreach (var program in programs)
        {
            Assert.SkipUnless(Paths().Any(p => File.Exists(Path.Combine(p, program))), $"needs {program}: lab/prepare installs it");
        }

        var lab = new NamingLab();
        File.SetUnixFileMode(lab.Folder, File.GetUnixFileMode(lab.Folder) | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        await lab.OpenAsync();
        return lab;
    }

    public string PathOf(string file) => Path.Combine(Folder, file);

    public string Write(string file, string content)
    {
        File.WriteAllText(PathOf(file), content);
        return PathOf(file);
    }

    public DnsDaemon Start(string program, params string[] arguments)
    {
        var daemon = Own(new DnsDaemon(this));
        daemon.Start(program, arguments);
        return daemon;
    }

    /// <summary>A UDP socket of the namespace, connected to a port of its loopback.</summary>
    public Socket UdpSocket(int port)
    {
        Socket? socket = null;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var handle = File.OpenHandle($"/run/netns/{Name}");
                if (SetNs(handle, CLONE_NEWNET) < 0)
                {
                    throw new IOException($"setns: {Marshal.GetLastPInvokeErrorMessage()}");
                }

                socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
                socket.Connect(IPAddress.Loopback, port);
            }
            catch (Exception e) // carried to the caller
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? socket! : throw new InvalidOperationException(failure.Message, failure);
    }

    private static string[] Paths() => (Environment.GetEnvironmentVariable("PATH") + ":/usr/sbin:/sbin").Split(':');

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNs(SafeFileHandle fd, int type);
}
