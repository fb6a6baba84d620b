using System.Diagnostics;
using System.Net.Sockets;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Tests.Host;

/// <summary>A Unix socket that programs in Python connect to, as clients that are not of .NET and may be of other users and groups.</summary>
internal sealed class UnixListening : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("sunet-");
    private readonly UnixListener listener;
    private readonly List<Process> processes = [];

    public UnixListening() => listener = UnixListener.Listen(Path.Combine(folder.FullName, "s"), UnixFileMode.UserRead | UnixFileMode.UserWrite);

    /// <summary>Runs a program, whose first argument is the socket's path, and accepts it.</summary>
    /// <param name="before">A command that runs it, setpriv(1) say.</param>
    public Socket Connect(string python, params string[] before)
    {
        string[] command = [.. before, "python3", "-c", python, listener.Path];
        var process = Process.Start(new ProcessStartInfo(command[0], command[1..]))!;
        processes.Add(process);
        return listener.Socket.Accept();
    }

    public void Dispose()
    {
        foreach (var process in processes)
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }

        listener.Dispose();
        folder.Delete(recursive: true);
    }
}
