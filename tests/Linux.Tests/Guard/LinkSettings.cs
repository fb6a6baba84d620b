using System.Runtime.InteropServices;
using SoftUnicast.Linux.Host;
using SoftUnicast.Linux.Net;
using SoftUnicast.Linux.Tests.Net;

namespace SoftUnicast.Linux.Tests.Guard;

/// <summary>Settings of interfaces that this machine's <c>ip</c> may not know yet, and the right to make any.</summary>
internal static partial class LinkSettings
{
    private const ushort RTM_SETLINK = 19;
    private const ushort IFLA_GSO_IPV4_MAX_SIZE = 63;

    /// <summary>
    /// The longest TCP packet that is cut later (BIG TCP, Linux 6.3). Beyond 65,535 bytes its total length is 0.
    /// </summary>
    public static void SetLongestIPv4(NetNamespace space, string device, int bytes)
    {
        Assert.SkipUnless(Environment.OSVersion.Version >= new Version(6, 3), "IPv4 packets beyond 64 KiB need Linux 6.3");
        space.Within(() =>
        {
            using var requests = new NetlinkRequests(new NetlinkSocket());
            requests.Request(
                RTM_SETLINK,
                0,
                device,
                (ref NetlinkWriter writer) =>
                {
                    writer.Header(new IfInfoMsg { Index = space.IndexOf(device) });
                    writer.Attribute(IFLA_GSO_IPV4_MAX_SIZE, (uint)bytes);
                });
            return true;
        });
    }

    /// <summary>Takes all rights from the calling thread, which has to end with the test.</summary>
    public static void GiveUpNetAdmin() => KeepOnly(0);

    /// <summary>Takes all rights but the daemon's unit's from the calling thread, which has to end with the test.</summary>
    public static void KeepOnlyTheDaemons()
    {
        const int CAP_NET_ADMIN = 12;
        const int CAP_PERFMON = 38;
        const int CAP_BPF = 39;
        KeepOnly((1ul << CAP_NET_ADMIN) | (1ul << CAP_PERFMON) | (1ul << CAP_BPF));
    }

    // capset(2)
    private static unsafe void KeepOnly(ulong rights)
    {
        var header = stackalloc uint[] { 0x20080522, 0 }; // _LINUX_CAPABILITY_VERSION_3, this thread
        var (low, high) = ((uint)rights, (uint)(rights >> 32));
        var data = stackalloc uint[] { low, low, 0, high, high, 0 }; // effective, permitted, inheritable
        if (SetCapabilities(header, data) < 0)
        {
            throw SystemCallException.Last("capset", "this thread");
        }
    }

    [LibraryImport("libc", EntryPoint = "capset", SetLastError = true)]
    private static unsafe partial int SetCapabilities(uint* header, uint* data);
}
