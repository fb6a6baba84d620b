using SoftUnicast.Linux.Host;
using SoftUnicast.Linux.Net;

namespace SoftUnicast.Linux.Bpf;

/// <summary>What became of a program's place: what <see cref="PinnedSteering.Attach"/> did, or <see cref="PinnedDispatch.KeepAttached"/>.</summary>
public enum AttachmentChange
{
    /// <summary>The program was there already.</summary>
    None,

    /// <summary>The place was taken.</summary>
    Attached,

    /// <summary>Another program of ours was replaced, between two packets.</summary>
    Swapped,
}

/// <summary>An interface that the packet path is pinned for.</summary>
/// <param name="InterfaceIndex">0: there is no such interface now.</param>
/// <param name="Mode">How it runs; <see cref="XdpMode.Auto"/>: it does not run.</param>
/// <param name="ProgramId">What runs; 0: nothing.</param>
/// <param name="GenericBecause">Why <see cref="XdpMode.Auto"/> became generic.</param>
public sealed record XdpAttachment(
    string InterfaceName, int InterfaceIndex, XdpMode Mode, uint ProgramId, AttachmentChange Change, string? GenericBecause);

/// <summary>What XDP runs where, in this network namespace.</summary>
internal static unsafe class XdpPlaces
{
    private const byte ModeNative = 1; // XDP_ATTACHED_DRV
    private const byte ModeGeneric = 2; // XDP_ATTACHED_SKB

    public static int IndexOf(string interfaceName) => Find(interfaceName) is var index and not 0
        ? index
        : throw new BpfException("RTM_GETLINK", interfaceName, Libc.ENODEV, "no such interface in this network namespace: see 'ip link'");

    public static XdpAttachment Look(string interfaceName)
    {
        var index = Find(interfaceName);
        if (index == 0)
        {
            return new XdpAttachment(interfaceName, 0, XdpMode.Auto, 0, AttachmentChange.None, null);
        }

        var place = Query(interfaceName, index);
        return new XdpAttachment(interfaceName, index, ModeOf(place) ?? XdpMode.Auto, ProgramOf(place), AttachmentChange.None, null);
    }

    /// <summary>How XDP runs there; null if not at all.</summary>
    public static XdpMode? ModeOf(int index) => ModeOf(Query("interface", index));

    public static void RequireFree(string interfaceName, int index)
    {
        var place = Query(interfaceName, index);
        var programId = ProgramOf(place);
        if (programId != 0)
        {
            // Where the driver could run it natively, plain 'xdp off' leaves a generic program where it is.
            throw new ForeignProgramException(interfaceName, programId, BpfProgram.NameOf(programId), ModeOf(place) == XdpMode.Generic);
        }
    }

    public static BpfLink Take(BpfProgram program, string interfaceName, int index, XdpMode mode, out XdpMode taken, out string? genericBecause)
    {
        genericBecause = null;
        taken = mode == XdpMode.Generic ? XdpMode.Generic : XdpMode.Native;
        try
        {
            return BpfLink.Attach(program, interfaceName, index, taken);
        }
        catch (BpfException refusal) when (mode == XdpMode.Auto && refusal.Errno is not (Libc.EPERM or Libc.EACCES or Libc.EBUSY or Libc.EEXIST or Libc.ENODEV) && !SystemCallException.IsShortage(refusal))
        {
            genericBecause = refusal.Message;
        }

        taken = XdpMode.Generic;
        return BpfLink.Attach(program, interfaceName, index, taken);
    }

    // Not if_nametoindex(3): glibc's says ENOENT where it could not make a socket, as if there were no interface.
    /// <returns>0: there is no such interface.</returns>
    private static int Find(string interfaceName)
    {
        using var rtnetlink = new Rtnetlink();
        return rtnetlink.LinkNamed(interfaceName)?.Index ?? 0;
    }

    private static XdpMode? ModeOf(Libbpf.XdpQueryOptions place) => place.AttachMode switch
    {
        0 => null,
        ModeGeneric => XdpMode.Generic,
        _ => XdpMode.Native, // in the driver, in the card, or in several ways
    };

    private static uint ProgramOf(Libbpf.XdpQueryOptions place) => place.AttachMode switch
    {
        ModeNative => place.NativeProgramId,
        ModeGeneric => place.GenericProgramId,
        _ => Math.Max(place.ProgramId, Math.Max(place.NativeProgramId, Math.Max(place.GenericProgramId, place.OffloadedProgramId))),
    };

    private static Libbpf.XdpQueryOptions Query(string interfaceName, int index)
    {
        var options = new Libbpf.XdpQueryOptions { Size = (nuint)sizeof(Libbpf.XdpQueryOptions) };
        var code = Libbpf.QueryXdp(index, 0, &options);
        return code >= 0 ? options : throw BpfException.From("bpf_xdp_query", interfaceName, code);
    }
}
