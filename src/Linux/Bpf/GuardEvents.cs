using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SoftUnicast.Egress.Abi;

namespace SoftUnicast.Linux.Bpf;

/// <summary>Reads the guard's ring buffer. Not for several threads at once.</summary>
internal sealed unsafe class GuardEvents : SafeHandle
{
    private readonly List<SuGuardEvent> taken = [];
    private GCHandle self;

    public GuardEvents(BpfMap events)
        : base(0, ownsHandle: true)
    {
        self = GCHandle.Alloc(taken);
        var ring = Libbpf.NewRing(events.Fd, &Take, GCHandle.ToIntPtr(self), null);
        var errno = Marshal.GetLastPInvokeError();
        if (ring == 0)
        {
            self.Free();
            throw new BpfException("ring_buffer__new", events.Name, errno, "ring buffers need Linux 5.8 or later");
        }

        SetHandle(ring);
    }

    public override bool IsInvalid => handle == 0;

    public IReadOnlyList<SuGuardEvent> Read(TimeSpan wait)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        taken.Clear();
        var code = wait > TimeSpan.Zero
            ? Libbpf.PollRing(handle, (int)Math.Min(wait.TotalMilliseconds, int.MaxValue))
            : Libbpf.ConsumeRing(handle);
        return code >= 0 || code == -Host.Libc.EINTR
            ? [.. taken]
            : throw BpfException.From("ring_buffer__poll", GuardProgram.EventsMap, code);
    }

    protected override bool ReleaseHandle()
    {
        Libbpf.FreeRing(handle);
        self.Free();
        return true;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Take(nint context, byte* sample, nuint bytes)
    {
        if (bytes >= (nuint)sizeof(SuGuardEvent) && GCHandle.FromIntPtr(context).Target is List<SuGuardEvent> taken)
        {
            taken.Add(*(SuGuardEvent*)sample);
        }

        return 0;
    }
}
