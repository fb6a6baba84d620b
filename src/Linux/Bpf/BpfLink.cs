using System.Runtime.InteropServices;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Bpf;

/// <summary>Where an XDP program runs.</summary>
public enum XdpMode
{
    /// <summary>Native if the driver can, else generic.</summary>
    Auto,

    /// <summary>In the driver.</summary>
    Native,

    /// <summary>In the kernel's receive path: every driver, but a copy of each packet.</summary>
    Generic,
}

/// <summary>
/// A program's place: on an interface, at XDP or among the tcx programs for what leaves; a socket lookup program's in a network
/// namespace; or at a cgroup. As long as the link or a pin of it lives, nobody else can take the place.
/// </summary>
public sealed unsafe class BpfLink : IDisposable
{
    private readonly FileDescriptor fd;

    private BpfLink(FileDescriptor fd, string subject)
    {
        this.fd = fd;
        Subject = subject;
    }

    /// <summary>The interface or the pin, for messages.</summary>
    public string Subject { get; }

    /// <summary>Attaches, to an interface of this thread's network namespace.</summary>
    /// <param name="mode">Native or generic.</param>
    public static BpfLink Attach(BpfProgram program, string interfaceName, int interfaceIndex, XdpMode mode)
    {
        var options = new Libbpf.LinkCreateOptions
        {
            Size = (nuint)sizeof(Libbpf.LinkCreateOptions),
            Flags = mode switch
            {
                XdpMode.Native => Libbpf.XdpFlagsNative,
                XdpMode.Generic => Libbpf.XdpFlagsGeneric,
                _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "native or generic"),
            },
        };
        var result = Libbpf.CreateLink(program.Fd, interfaceIndex, Libbpf.AttachTypeXdp, &options);
        return result >= 0
            ? new BpfLink(new FileDescriptor(result), interfaceName)
            : throw BpfException.From($"bpf(BPF_LINK_CREATE, XDP {mode})", interfaceName, result, AttachAdvice(-result, mode));
    }

    /// <summary>Runs a socket lookup program in a network namespace, after those that run there.</summary>
    /// <param name="networkNamespace">Its file, <c>/proc/self/ns/net</c> or <c>/run/netns/NAME</c>.</param>
    public static BpfLink AttachSocketLookup(BpfProgram program, string networkNamespace)
    {
        using var opened = NetworkNamespace.Open(networkNamespace);
        return AttachSocketLookup(program, opened, networkNamespace);
    }

    internal static BpfLink AttachSocketLookup(BpfProgram program, FileDescriptor networkNamespace, string subject)
    {
        var result = Libbpf.CreateLink(program.Fd, networkNamespace.Number, Libbpf.AttachTypeSocketLookup, null);
        return result >= 0
            ? new BpfLink(new FileDescriptor(result), subject)
            : throw BpfException.From("bpf(BPF_LINK_CREATE, SK_LOOKUP)", subject, result, -result switch
            {
                Libc.EPERM or Libc.EACCES => "CAP_BPF and CAP_NET_ADMIN are needed",
                Libc.EINVAL => "socket lookup links need Linux 5.9 or later",
                BpfLibc.E2BIG => "64 programs run there already",
                _ => null,
            });
    }

    /// <summary>Attaches for what leaves by an interface of this thread's network namespace, before all that are there.</summary>
    /// <returns>Null: this kernel has no tcx.</returns>
    public static BpfLink? AttachTcx(BpfProgram program, string interfaceName, int interfaceIndex)
    {
        var options = new Libbpf.LinkCreateOptions { Size = (nuint)sizeof(Libbpf.LinkCreateOptions), Flags = Libbpf.AttachBefore };
        var result = Libbpf.CreateLink(program.Fd, interfaceIndex, Libbpf.AttachTypeTcxEgress, &options);
        return result switch
        {
            >= 0 => new BpfLink(new FileDescriptor(result), interfaceName),
            -Libc.EINVAL => null, // before 6.6 the type is unknown, and so are flags; later, nothing in this call is EINVAL
            _ => throw BpfException.From("bpf(BPF_LINK_CREATE, tcx egress)", interfaceName, result, TcxAdvice(-result)),
        };
    }

    /// <summary>Runs a program for the sockets of a cgroup and of those below it, beside others'.</summary>
    /// <param name="cgroupFolder">The cgroup's folder, on a mount of cgroup2.</param>
    /// <param name="attachType"><c>enum bpf_attach_type</c>.</param>
    internal static BpfLink AttachCgroup(BpfProgram program, string cgroupFolder, int attachType)
    {
        const int readOnly = 0; // O_RDONLY
        var opened = Libc.Open(cgroupFolder, readOnly | Libc.O_CLOEXEC, 0);
        using var folder = opened >= 0 ? new FileDescriptor(opened) : throw new BpfException("open", cgroupFolder, Marshal.GetLastPInvokeError());
        var result = Libbpf.CreateLink(program.Fd, folder.Number, attachType, null);
        var subject = $"{program.Name} at {cgroupFolder}";
        return result >= 0
            ? new BpfLink(new FileDescriptor(result), subject)
            : throw BpfException.From("bpf(BPF_LINK_CREATE)", subject, result, -result switch
            {
                Libc.EPERM => "CAP_BPF and CAP_NET_ADMIN are needed; or another program there lets nobody attach beside it",
                BpfLibc.E2BIG => "64 programs are attached there already: see 'bpftool cgroup show'",
                Libc.EINVAL => "cgroup links need Linux 5.7 or later",
                _ => null,
            });
    }

    public static BpfLink OpenPinned(string path) => new(BpfMap.OpenPin(path, readOnly: false), path);

    /// <summary>The interface it sits on, 0 if that is gone; the program it runs.</summary>
    public (int InterfaceIndex, uint ProgramId) Info()
    {
        var info = KernelInfo();
        return ((int)info.Ifindex, info.ProgramId);
    }

    /// <summary>The inode of the network namespace that a socket lookup program runs in, 0 if that is gone; the program.</summary>
    internal (uint NamespaceInode, uint ProgramId) NamespaceInfo()
    {
        var info = KernelInfo();
        return (info.Ifindex, info.ProgramId);
    }

    /// <summary>The cgroup that a program is attached to, 0 if it is detached or the cgroup is gone.</summary>
    internal ulong CgroupId()
    {
        var info = KernelInfo();
        return ((ulong)info.SecondWord << 32) | info.Ifindex;
    }

    public void Pin(string path) => Check(Libbpf.Pin(fd, path), "bpf(BPF_OBJ_PIN)");

    /// <summary>Puts another program into the same place, between two packets. False: the interface, namespace or cgroup is gone.</summary>
    public bool TryUpdate(BpfProgram program)
    {
        var code = Libbpf.UpdateLink(fd, program.Fd, null);
        if (code == -BpfLibc.ENOLINK)
        {
            return false;
        }

        Check(code, "bpf(BPF_LINK_UPDATE)");
        return true;
    }

    /// <summary>Takes the program away, whoever else holds the link.</summary>
    public void Detach()
    {
        var code = Libbpf.DetachLink(fd);
        if (code != -BpfLibc.ENOLINK)
        {
            Check(code, "bpf(BPF_LINK_DETACH)");
        }
    }

    public void Dispose() => fd.Dispose();

    private Libbpf.LinkInfo KernelInfo()
    {
        Libbpf.LinkInfo info = default;
        var length = (uint)sizeof(Libbpf.LinkInfo);
        Check(Libbpf.GetInfo(fd, &info, &length), "bpf(BPF_OBJ_GET_INFO_BY_FD)");
        return info;
    }

    private static string? AttachAdvice(int errno, XdpMode mode) => errno switch
    {
        Libc.EOPNOTSUPP when mode == XdpMode.Native => "the driver has no XDP: use mode generic or auto",
        Libc.EINVAL when mode == XdpMode.Native => "the driver refuses, often for the interface's MTU: use a smaller one, or mode generic or auto",
        Libc.EBUSY or Libc.EEXIST => "another XDP program is there",
        Libc.EPERM or Libc.EACCES => "CAP_BPF and CAP_NET_ADMIN are needed",
        Libc.EINVAL => "XDP links need Linux 5.9 or later",
        _ => null,
    };

    private static string? TcxAdvice(int errno) => errno switch
    {
        Libc.ERANGE => "64 programs are attached there already: see 'bpftool net'",
        Libc.ENODEV => "no such interface in this network namespace: see 'ip link'",
        Libc.EPERM or Libc.EACCES => "CAP_BPF and CAP_NET_ADMIN are needed",
        _ => null,
    };

    private void Check(int code, string call)
    {
        if (code < 0)
        {
            throw BpfException.From(call, Subject, code);
        }
    }
}
