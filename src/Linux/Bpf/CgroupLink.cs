using System.Runtime.InteropServices;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Bpf;

/// <summary>A program's place at a cgroup: it runs for the sockets of that cgroup and of those below it, beside others'.</summary>
internal sealed unsafe class CgroupLink : IDisposable
{
    private readonly FileDescriptor fd;
    private readonly string subject;

    private CgroupLink(FileDescriptor fd, string subject)
    {
        this.fd = fd;
        this.subject = subject;
    }

    /// <param name="cgroupFolder">The cgroup's folder, on a mount of cgroup2.</param>
    /// <param name="attachType"><c>enum bpf_attach_type</c>.</param>
    public static CgroupLink Attach(BpfProgram program, string cgroupFolder, int attachType)
    {
        using var folder = Open(cgroupFolder);
        var options = new Libbpf.LinkCreateOptions { Size = (nuint)sizeof(Libbpf.LinkCreateOptions) };
        var result = Libbpf.CreateLink(program.Fd, folder.Number, attachType, &options);
        var subject = $"{program.Name} at {cgroupFolder}";
        return result >= 0
            ? new CgroupLink(new FileDescriptor(result), subject)
            : throw BpfException.From("bpf(BPF_LINK_CREATE)", subject, result, Advice(-result));
    }

    public static CgroupLink OpenPinned(string path) => new(BpfMap.OpenPin(path, readOnly: false), path);

    /// <summary>The cgroup it is attached to, 0 if it is detached or the cgroup is gone; the program it runs.</summary>
    public (ulong CgroupId, uint ProgramId) Info()
    {
        CgroupLinkInfo info = default;
        var length = (uint)sizeof(CgroupLinkInfo);
        Check(Libbpf.GetInfo(fd, &info, &length), "bpf(BPF_OBJ_GET_INFO_BY_FD)");
        return (info.CgroupId, info.ProgramId);
    }

    public void Pin(string path) => Check(Libbpf.Pin(fd, path), "bpf(BPF_OBJ_PIN)");

    /// <summary>Puts another program into the same place, between two calls.</summary>
    public void Update(BpfProgram program) => Check(Libbpf.UpdateLink(fd, program.Fd, null), "bpf(BPF_LINK_UPDATE)");

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

    private static FileDescriptor Open(string folder)
    {
        const int readOnly = 0; // O_RDONLY
        var result = Libc.Open(folder, readOnly | Libc.O_CLOEXEC, 0);
        return result >= 0 ? new FileDescriptor(result) : throw new BpfException("open", folder, Marshal.GetLastPInvokeError());
    }

    private static string? Advice(int errno) => errno switch
    {
        Libc.EPERM => "CAP_BPF and CAP_NET_ADMIN are needed; or another program there lets nobody attach beside it",
        BpfLibc.E2BIG => "64 programs are attached there already: see 'bpftool cgroup show'",
        Libc.EINVAL => "cgroup links need Linux 5.7 or later",
        _ => null,
    };

    private void Check(int code, string call)
    {
        if (code < 0)
        {
            throw BpfException.From(call, subject, code);
        }
    }

    /// <summary><c>struct bpf_link_info</c> of a cgroup link.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 64)]
    private struct CgroupLinkInfo
    {
        public uint Type;
        public uint Id;
        public uint ProgramId;
        public uint Pad;
        public ulong CgroupId;
        public uint AttachType;
    }
}
