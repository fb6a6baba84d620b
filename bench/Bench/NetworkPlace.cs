using System.Diagnostics;
using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace SoftUnicast.Bench;

/// <summary>
/// A network namespace without a name, and programs in it. It goes with this object or this process: the kernel kills the programs when
/// the thread ends that started them.
/// </summary>
internal sealed class NetworkPlace : IDisposable
{
    private readonly SafeFileHandle file;
    private readonly List<PlacedProgram> programs = [];

    public NetworkPlace()
    {
        SafeFileHandle? made = null;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                Native.EnterNewNetwork();
                made = File.OpenHandle("/proc/thread-self/ns/net");
            }
            catch (IOException e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        file = made ?? throw new IOException(failure!.Message, failure);
        Run("ip", "link", "set", "lo", "up");
    }

    /// <summary>Its file, for other processes too.</summary>
    public string Path => string.Create(CultureInfo.InvariantCulture, $"/proc/{Environment.ProcessId}/fd/{file.DangerousGetHandle()}");

    /// <summary>A program that runs until <see cref="PlacedProgram.Kill"/>, or as long as the namespace.</summary>
    public PlacedProgram Start(string program, params string[] arguments) => Start(program, arguments, isTalking: false);

    /// <summary>The same of one that is told lines and says lines.</summary>
    public PlacedProgram StartTalking(string program, params string[] arguments) => Start(program, arguments, isTalking: true);

    /// <summary>Runs a program to its end.</summary>
    /// <returns>What it wrote.</returns>
    /// <exception cref="IOException">It failed.</exception>
    public string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("setpriv", Inside(program, arguments)) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new IOException($"{program} {string.Join(' ', arguments)}: {error.Result}");
    }

    /// <param name="command">Words of ip(8).</param>
    public void Ip(string command) => Run("ip", command.Split(' '));

    public void Dispose()
    {
        programs.ForEach(p => p.Kill());
        file.Dispose();
    }

    private PlacedProgram Start(string program, string[] arguments, bool isTalking)
    {
        var placed = new PlacedProgram(program, Inside(program, arguments), isTalking);
        programs.Add(placed);
        return placed;
    }

    // Each of the three becomes the next, so that the process is the program's.
    private string[] Inside(string program, string[] arguments) => ["--pdeathsig", "KILL", "nsenter", $"--net={Path}", program, .. arguments];
}

/// <summary>A program that runs in a <see cref="NetworkPlace"/>.</summary>
internal sealed class PlacedProgram
{
    private const int KeptLines = 20;
    private readonly Process process;
    private readonly string name;
    private readonly Queue<string> lastLines = [];

    public PlacedProgram(string name, string[] command, bool isTalking)
    {
        this.name = name;
        process = Process.Start(new ProcessStartInfo("setpriv", command) { RedirectStandardInput = isTalking, RedirectStandardOutput = true, RedirectStandardError = true })!;
        process.ErrorDataReceived += Keep;
        process.BeginErrorReadLine();
        if (!isTalking)
        {
            process.OutputDataReceived += Keep;
            process.BeginOutputReadLine();
        }
    }

    public int Id => process.Id;

    /// <summary>So far, of all its threads.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            process.Refresh();
            return process.TotalProcessorTime;
        }
    }

    public void Tell(string line)
    {
        process.StandardInput.WriteLine(line);
        process.StandardInput.Flush();
    }

    /// <exception cref="IOException">It ended.</exception>
    public string NextLine() => process.StandardOutput.ReadLine() ?? throw Ended();

    public void EndInput() => process.StandardInput.Close();

    /// <exception cref="IOException">It ended before the time was over.</exception>
    public void RunFor(TimeSpan time)
    {
        if (process.WaitForExit(time))
        {
            throw Ended();
        }
    }

    public void Kill()
    {
        process.Kill();
        process.WaitForExit();
    }

    private IOException Ended()
    {
        process.WaitForExit();
        lock (lastLines)
        {
            return new IOException($"{name} ended: {string.Join('\n', lastLines)}");
        }
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (lastLines)
        {
            if (line.Data is not null)
            {
                lastLines.Enqueue(line.Data);
            }

            if (lastLines.Count > KeptLines)
            {
                lastLines.Dequeue();
            }
        }
    }
}
