using SoftUnicast.Egress.Attribution;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Daemon.Naming;

/// <summary>
/// Keeps <see cref="AgilityState"/> on disk. What is damaged is left alone: it may say what somebody relies on, and nothing is
/// written over it.
/// </summary>
internal sealed class AgilityFile(string path, IFolderSync sync)
{
    private const int LargestBytes = 4 * 1024 * 1024;

    public string Path => path;

    /// <summary>What was last read or written.</summary>
    public AgilityState State { get; private set; } = AgilityState.None;

    /// <summary>Why the file cannot be used; null: it can. Then <see cref="State"/> is empty, and nothing can be kept.</summary>
    public string? Damage { get; private set; } = "it is not read yet";

    /// <summary>Reads the file, if that has not succeeded yet. None is there: nothing is moved.</summary>
    public void Read()
    {
        if (Damage is null)
        {
            return;
        }

        try
        {
            var file = new FileInfo(path);
            if (file.Exists && file.Length > LargestBytes)
            {
                throw new InvalidDataException($"it has {file.Length} bytes, {LargestBytes} are read");
            }

            State = AgilityState.FromJson(File.ReadAllBytes(path));
            Damage = null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            (State, Damage) = (AgilityState.None, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            Damage = e.Message;
        }
    }

    /// <summary>Writes aside, makes it durable, renames: after a crash the file says the old or the new.</summary>
    /// <exception cref="IOException">It could not be; the old state stays.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    public void Write(AgilityState next)
    {
        if (Damage is not null)
        {
            throw new IOException($"{path} is not understood: {Damage}");
        }

        try
        {
            DurableFile.Replace(path, next.ToJson(), sync);
        }
        catch (IOException) when (File.Exists(path))
        {
            // It may say the new by now: it is to say what is in force.
            Restore();
            throw;
        }

        State = next;
    }

    private void Restore()
    {
        try
        {
            DurableFile.Replace(path, State.ToJson(), sync);
        }
        catch (IOException)
        {
            // The first failure is told.
        }
    }
}
