using System.Runtime.InteropServices;

namespace SoftUnicast.Linux.Net;

/// <summary>A filter of tc(8) on an interface (RTM_NEWTFILTER).</summary>
/// <param name="Parent">The hook it sits on.</param>
/// <param name="Priority">Lower ones are asked first.</param>
/// <param name="Handle">Its number among those of one priority; 0: not a filter, but the head of those of its priority.</param>
/// <param name="Kind">bpf, flower, matchall, ...</param>
/// <param name="ProgramId">Of a bpf filter; 0 otherwise.</param>
/// <param name="ProgramName">Of a bpf filter, as who put it there has it: by libbpf <c>NAME:[ID]</c>. Empty otherwise.</param>
internal sealed record TcFilter(int InterfaceIndex, uint Parent, uint Priority, uint Handle, string Kind, uint ProgramId, string ProgramName)
{
    public static TcFilter? Parse(NetlinkBody body)
    {
        var header = MemoryMarshal.Read<TcMsg>(body.Bytes);
        var attributes = AttributeReader.Behind(body.Name, body.Bytes, Marshal.SizeOf<TcMsg>());
        var kind = "";
        uint programId = 0;
        var programName = "";
        while (attributes.TryRead(out var type, out var value))
        {
            if (type == TcNumbers.TCA_KIND)
            {
                kind = value.AsText();
            }
            else if (type == TcNumbers.TCA_OPTIONS && kind == TcNumbers.BpfKind) // the kernel writes the kind first
            {
                (programId, programName) = ProgramOf(value.AsNested());
            }
        }

        return new TcFilter(header.Ifindex, header.Parent, header.Info >> 16, header.Handle, kind, programId, programName);
    }

    private static (uint Id, string Name) ProgramOf(AttributeReader options)
    {
        uint id = 0;
        var name = "";
        while (options.TryRead(out var type, out var value))
        {
            switch (type)
            {
                case TcNumbers.TCA_BPF_ID:
                    id = value.AsUInt32();
                    break;
                case TcNumbers.TCA_BPF_NAME:
                    name = value.AsText();
                    break;
            }
        }

        return (id, name);
    }
}

/// <summary>A queueing discipline (RTM_NEWQDISC).</summary>
/// <param name="Handle">Its number.</param>
/// <param name="Kind">clsact, ingress, fq_codel, ...</param>
internal sealed record Qdisc(int InterfaceIndex, uint Handle, string Kind)
{
    public static Qdisc? Parse(NetlinkBody body)
    {
        var header = MemoryMarshal.Read<TcMsg>(body.Bytes);
        var attributes = AttributeReader.Behind(body.Name, body.Bytes, Marshal.SizeOf<TcMsg>());
        while (attributes.TryRead(out var type, out var value))
        {
            if (type == TcNumbers.TCA_KIND)
            {
                return new Qdisc(header.Ifindex, header.Handle, value.AsText());
            }
        }

        return null;
    }
}

/// <summary>struct tcmsg (rtnetlink(7)).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TcMsg
{
    public byte Family;
    public byte Pad1;
    public ushort Pad2;
    public int Ifindex;
    public uint Handle;
    public uint Parent;
    public uint Info;
}

/// <summary>Numbers of linux/pkt_sched.h, linux/rtnetlink.h and linux/pkt_cls.h, by their names there.</summary>
internal static class TcNumbers
{
    public const ushort RTM_GETQDISC = 38;
    public const ushort RTM_GETTFILTER = 46;
    public const ushort TCA_KIND = 1;
    public const ushort TCA_OPTIONS = 2;
    public const ushort TCA_BPF_NAME = 7;
    public const ushort TCA_BPF_ID = 11;
    public const string BpfKind = "bpf";

    /// <summary>The one number that clsact and ingress may have: ffff:0.</summary>
    public const uint ClsactHandle = 0xffff0000;

    /// <summary>What comes in by clsact: ffff:fff2.</summary>
    public const uint IngressParent = 0xfffffff2;

    /// <summary>What leaves by clsact: ffff:fff3.</summary>
    public const uint EgressParent = 0xfffffff3;
}
