using SoftUnicast.Linux.Host;
using SoftUnicast.Linux.Net;

namespace SoftUnicast.Linux.Bpf;

/// <summary>An interface that the guard cannot be put on. The message says why and the next step.</summary>
public sealed class GuardPlaceException(string interfaceName, string reason)
    : InvalidOperationException($"the guard cannot be put on {interfaceName}: {reason}")
{
    public string InterfaceName { get; } = interfaceName;
}

/// <summary>
/// The guard's place on an interface of this thread's network namespace where the kernel has no tcx (<see cref="GuardLinks"/>):
/// the first filter on clsact's egress. Filters of others, before and behind it, are left alone.
/// </summary>
internal static unsafe class GuardPlaces
{
    /// <summary>The lowest there is: filters are asked in this order, and one that answers ends the asking.</summary>
    public const uint Priority = 1;

    /// <summary>Of its own among filters of that priority: <c>SU</c>.</summary>
    public const uint Handle = 0x5355;

    private const string Clsact = "clsact";

    /// <summary>The program of our filter there; 0: none.</summary>
    public static uint ProgramOn(Rtnetlink rtnetlink, int index) => rtnetlink.Filters(index, TcNumbers.EgressParent)
        .FirstOrDefault(IsOurPlace) is { } filter && IsOurs(filter)
        ? filter.ProgramId
        : 0;

    /// <summary>Makes clsact if it is missing.</summary>
    /// <returns>False if it was there.</returns>
    public static bool MakeHook(Rtnetlink rtnetlink, string interfaceName, int index)
    {
        var there = rtnetlink.Qdiscs(index).FirstOrDefault(qdisc => qdisc.Handle == TcNumbers.ClsactHandle);
        if (there is not null)
        {
            // On 'ingress', a filter for what leaves would be taken without a word and judge what comes in.
            return there.Kind == Clsact
                ? false
                : throw new GuardPlaceException(
                    interfaceName,
                    $"its qdisc '{there.Kind}' has no place for what leaves. Put clsact there instead, which takes the same filters: " +
                    $"'tc qdisc replace dev {interfaceName} clsact', then those filters again");
        }

        using var log = LibbpfLog.Listen();
        var hook = Hook(index, Libbpf.TcIngress | Libbpf.TcEgress);
        var code = Libbpf.CreateTcHook(&hook);
        return code switch
        {
            -Libc.EEXIST => MakeHook(rtnetlink, interfaceName, index), // made by somebody in this moment
            < 0 => throw BpfException.From("bpf_tc_hook_create", interfaceName, code, Advice(code, log.Text)),
            _ => true,
        };
    }

    /// <summary>Takes the place, or puts another program into it, between two packets.</summary>
    public static AttachmentChange Take(Rtnetlink rtnetlink, BpfProgram program, string interfaceName, int index)
    {
        var there = rtnetlink.Filters(index, TcNumbers.EgressParent).FirstOrDefault(IsOurPlace);
        if (there is not null && !IsOurs(there))
        {
            throw new GuardPlaceException(
                interfaceName,
                $"its place there (egress, priority {Priority}, handle 0x{Handle:x}) has a filter of somebody else's ({(there.ProgramName.Length == 0 ? there.Kind : there.ProgramName)}), which stays. " +
                $"See 'tc filter show dev {interfaceName} egress'");
        }

        if (there?.ProgramId == program.Id)
        {
            return AttachmentChange.None;
        }

        using var log = LibbpfLog.Listen();
        var hook = Hook(index, Libbpf.TcEgress);
        var options = Options();
        options.ProgramFd = program.Fd.Number;
        options.Flags = there is null ? 0 : Libbpf.TcReplace;
        var code = Libbpf.AttachTc(&hook, &options);
        if (code < 0)
        {
            throw BpfException.From("bpf_tc_attach", interfaceName, code, Advice(code, log.Text));
        }

        return there is null ? AttachmentChange.Attached : AttachmentChange.Swapped;
    }

    /// <summary>Takes our filter away. False: there is none.</summary>
    public static bool Leave(Rtnetlink rtnetlink, string interfaceName, int index)
    {
        if (ProgramOn(rtnetlink, index) == 0)
        {
            return false;
        }

        using var log = LibbpfLog.Listen();
        var hook = Hook(index, Libbpf.TcEgress);
        var options = Options();
        var code = Libbpf.DetachTc(&hook, &options);
        return code is >= 0 or -Libc.ENOENT or -Libc.ENODEV
            ? true
            : throw BpfException.From("bpf_tc_detach", interfaceName, code, Advice(code, log.Text));
    }

    /// <summary>Takes clsact away, if no filter is left on it.</summary>
    public static void RemoveEmptyHook(Rtnetlink rtnetlink, string interfaceName, int index)
    {
        if (rtnetlink.Qdiscs(index).All(qdisc => qdisc.Handle != TcNumbers.ClsactHandle || qdisc.Kind != Clsact)
            || rtnetlink.Filters(index, TcNumbers.EgressParent).Count != 0
            || rtnetlink.Filters(index, TcNumbers.IngressParent).Count != 0)
        {
            return;
        }

        using var log = LibbpfLog.Listen();
        var hook = Hook(index, Libbpf.TcIngress | Libbpf.TcEgress);
        var code = Libbpf.DestroyTcHook(&hook);
        if (code is < 0 and not (-Libc.ENOENT or -Libc.ENODEV or -Libc.EINVAL)) // gone in this moment
        {
            throw BpfException.From("bpf_tc_hook_destroy", interfaceName, code, Advice(code, log.Text));
        }
    }

    private static bool IsOurPlace(TcFilter filter) => filter.Priority == Priority && filter.Handle == Handle;

    // The filter's word for it, for who may not look at programs by their numbers (CAP_SYS_ADMIN).
    private static bool IsOurs(TcFilter filter) =>
        filter.ProgramId != 0 && filter.ProgramName.StartsWith($"{GuardProgram.Name}:[", StringComparison.Ordinal);

    private static Libbpf.TcHook Hook(int index, int point) =>
        new() { Size = (nuint)sizeof(Libbpf.TcHook), Ifindex = index, AttachPoint = point };

    private static Libbpf.TcOptions Options() =>
        new() { Size = (nuint)sizeof(Libbpf.TcOptions), Handle = Handle, Priority = Priority };

    private static string Advice(int code, string said)
    {
        var advice = -code switch
        {
            Libc.EPERM or Libc.EACCES => "CAP_BPF and CAP_NET_ADMIN are needed",
            Libc.EOPNOTSUPP or Libc.ENOENT => "the kernel needs clsact and cls_bpf (CONFIG_NET_SCH_INGRESS, CONFIG_NET_CLS_BPF): modprobe sch_ingress cls_bpf",
            Libc.ENODEV => "no such interface in this network namespace: see 'ip link'",
            _ => "see 'tc filter show' for what has the first place on egress",
        };
        return said.Length == 0 ? advice : $"{advice}; libbpf says: {said}";
    }
}
