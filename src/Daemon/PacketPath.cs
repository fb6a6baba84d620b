using System.Collections.Immutable;
using System.Diagnostics;
using NLog;
using SoftUnicast.Config;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.State;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Host;
using SoftUnicast.Steering;

namespace SoftUnicast.Daemon;

/// <summary>The pinned packet path in the reconciler's hands: its maps, their writer, its links to interfaces. One thread at a time.</summary>
internal sealed class PacketPath : IDisposable
{
    private static readonly Logger Log = LogManager.GetCurrentClassLogger();
    private readonly PinnedSteering pinned;
    private readonly string folder;
    private readonly SteeringWriter writer;
    private readonly TimeProvider time;
    private readonly HashSet<string> attached = new(StringComparer.Ordinal);

    private PacketPath(PinnedSteering pinned, string folder, TimeProvider time)
    {
        this.pinned = pinned;
        this.folder = folder;
        this.time = time;
        InForce = KernelTable.Read(pinned).Table;
        writer = new SteeringWriter(pinned);
    }

    public ISteeringMaps Maps => pinned;

    /// <summary>True if the maps were there before this process.</summary>
    public bool Adopted => pinned.IsAdopted;

    /// <summary>The table that was adopted, or last applied.</summary>
    public SteeringTable InForce { get; private set; }

    public LastWrite? LastWrite { get; private set; }

    /// <summary>Why the last table was refused, or null.</summary>
    public string? Refusal { get; private set; }

    public static PacketPath Open(string pins, TimeProvider time) => new(PinnedSteering.LoadOrAdopt(pins), pins, time);

    /// <summary>Why the kernel's table cannot say what the table says; null: it can. Changes nothing.</summary>
    public string? WhyNot(SteeringTable table) => writer.WhyNot(table);

    /// <summary>Makes the kernel's table say what the table says.</summary>
    public bool Apply(SteeringTable table)
    {
        var started = Stopwatch.GetTimestamp();
        var report = writer.Apply(table);
        Refusal = report.Refusal;
        if (report.IsRefused)
        {
            return false;
        }

        InForce = table;
        if (!report.IsUnchanged)
        {
            LastWrite = new LastWrite(time.GetUtcNow(), Stopwatch.GetElapsedTime(started), report);
        }

        return true;
    }

    /// <summary>
    /// Runs the program on every device, and nowhere else. Where the machine is too short of descriptors or memory to look, it is
    /// taken to run where it did: nothing is withdrawn because of what could not be seen.
    /// </summary>
    /// <returns>Configured interfaces that it does not run on.</returns>
    public ImmutableArray<string> Attach(
        ImmutableArray<Device> devices, ImmutableArray<InterfaceConfig> configured, ImmutableArray<Problem>.Builder problems)
    {
        var missing = ImmutableArray.CreateBuilder<string>();
        missing.AddRange(configured.Select(c => c.Name).Except(devices.Select(d => d.Config.Name)));
        attached.ExceptWith(missing);
        foreach (var device in devices)
        {
            try
            {
                var attachment = pinned.Attach(device.Config.Name, ModeOf(device.Config.Mode));
                if (attachment.Change != AttachmentChange.None)
                {
                    Log.Info("{Interface}: packet path {Change}, {Mode}{Because}", attachment.InterfaceName,
                        attachment.Change == AttachmentChange.Swapped ? "swapped" : "attached", attachment.Mode,
                        attachment.GenericBecause is { } because ? $" ({because})" : "");
                }

                attached.Add(device.Config.Name);
            }
            catch (IOException e) when (SystemCallException.IsShortage(e) && attached.Contains(device.Config.Name))
            {
                problems.Add(new Problem($"{device.Config.Name} could not be looked at, the packet path was there at the last look: {e.Message}", SystemCallException.ShortageAdvice));
            }
            catch (Exception e) when (e is ForeignProgramException or SystemCallException or PinnedStateException or IOException)
            {
                attached.Remove(device.Config.Name);
                missing.Add(device.Config.Name);
                problems.Add(new Problem($"the packet path is not on {device.Config.Name}: {e.Message}", null));
            }
        }

        TakeOff(configured, problems);
        return missing.ToImmutable();
    }

    /// <summary>What runs where, by the kernel's word.</summary>
    public IReadOnlyList<XdpAttachment> Attachments() => pinned.Attachments();

    /// <summary>Off all interfaces, and all tables forgotten.</summary>
    /// <returns>What was done, in words.</returns>
    public string Remove()
    {
        var freed = PinnedSteering.Remove(folder);
        return freed.Count == 0 ? "it was on no interface; tables forgotten" : $"off {string.Join(", ", freed)}; tables forgotten";
    }

    public void Dispose() => pinned.Dispose();

    private void TakeOff(ImmutableArray<InterfaceConfig> configured, ImmutableArray<Problem>.Builder problems)
    {
        try
        {
            foreach (var gone in pinned.Attachments().Where(a => configured.All(c => c.Name != a.InterfaceName)))
            {
                pinned.Detach(gone.InterfaceName);
                Log.Info("{Interface}: packet path taken off, the interface is not configured any more", gone.InterfaceName);
            }
        }
        catch (IOException e)
        {
            problems.Add(new Problem($"interfaces that are not configured could not be looked at: {e.Message}", SystemCallException.IsShortage(e) ? SystemCallException.ShortageAdvice : null));
        }
    }

    private static XdpMode ModeOf(AttachMode mode) => mode switch
    {
        AttachMode.Native => XdpMode.Native,
        AttachMode.Generic => XdpMode.Generic,
        _ => XdpMode.Auto,
    };
}
