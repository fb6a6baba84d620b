using SoftUnicast.Linux.Host;
using SoftUnicast.Linux.Net;

namespace SoftUnicast.Linux.Tests.Net;

/// <summary>What a kernel may answer, played by hand.</summary>
public sealed class NetRequestTests
{
    private const ushort Multi = 2;

    [Fact]
    public void A_dump_that_was_interrupted_is_done_again()
    {
        using var requests = new NetlinkRequests(new Kernel(
            seq => [Link(seq, 1, "old", Nl.NLM_F_DUMP_INTR), Done(seq, Nl.NLM_F_DUMP_INTR)],
            seq => [Link(seq, 1, "a", 0), Link(seq, 2, "b", 0), Done(seq, 0)]));

        Assert.Equal(["a", "b"], Dump(requests).Select(l => l.Name));
    }

    [Fact]
    public void A_dump_that_is_interrupted_for_ever_ends_with_the_last_copy()
    {
        var asked = 0;
        using var requests = new NetlinkRequests(new Kernel(seq => [Link(seq, 1, $"copy{++asked}", 0), Done(seq, Nl.NLM_F_DUMP_INTR)]));

        Assert.Equal("copy20", Assert.Single(Dump(requests)).Name);
    }

    [Fact]
    public void A_dump_that_fails_halfway_is_an_error()
    {
        using var requests = new NetlinkRequests(new Kernel(seq => [Link(seq, 1, "a", 0), Netlink.Message(Nl.NLMSG_DONE, Multi, seq, BitConverter.GetBytes(-Libc.EINVAL))]));

        var error = Assert.Throws<NetlinkException>(() => Dump(requests));

        Assert.Equal("RTM_GETLINK all links: EINVAL (Invalid argument)", error.Message);
    }

    [Fact]
    public void Answers_to_an_earlier_request_are_skipped()
    {
        using var requests = new NetlinkRequests(new Kernel(seq => [Link(seq - 1, 9, "late", 0), Done(seq - 1, 0), Link(seq, 1, "a", 0), Done(seq, 0)]));

        Assert.Equal("a", Assert.Single(Dump(requests)).Name);
    }

    [Fact]
    public void A_refusal_names_request_object_errno_and_the_kernels_own_words()
    {
        using var requests = new NetlinkRequests(new Kernel(seq =>
        [
            Netlink.Message(
                Nl.NLMSG_ERROR,
                Nl.NLM_F_CAPPED | Nl.NLM_F_ACK_TLVS,
                seq,
                BitConverter.GetBytes(-Libc.EPERM),
                new byte[16],
                Netlink.Attribute(Nl.NLMSGERR_ATTR_MSG, "not in this namespace")),
        ]));

        var error = Assert.Throws<NetlinkException>(() => requests.Request(Nl.RTM_GETLINK, 0, "eth0", Nothing));

        Assert.Equal(("RTM_GETLINK", "eth0", Libc.EPERM), (error.Call, error.Subject, error.Errno));
        Assert.Equal("RTM_GETLINK eth0: EPERM (Operation not permitted): not in this namespace", error.Message);
    }

    [Fact]
    public void The_kernels_words_are_found_behind_an_echoed_request_too()
    {
        var echoed = Netlink.Message(Nl.RTM_GETLINK, 0, 1, new byte[21]);
        var body = Netlink.Join(BitConverter.GetBytes(-Libc.EINVAL), echoed, Netlink.Attribute(Nl.NLMSGERR_ATTR_MSG, "why"));

        Assert.Equal((Libc.EINVAL, "why"), NetlinkRequests.ReadError(new NetlinkMessage { Type = Nl.NLMSG_ERROR, Flags = Nl.NLM_F_ACK_TLVS, Body = body }));
    }

    [Fact]
    public void An_answer_that_was_cut_off_is_an_error()
    {
        using var requests = new NetlinkRequests(new Kernel(seq => [Netlink.Message(Nl.NLMSG_OVERRUN, 0, seq)]));

        Assert.Equal(
            "RTM_GETLINK all links: ENOBUFS (No buffer space available): the answer was cut off",
            Assert.Throws<NetlinkException>(() => Dump(requests)).Message);
    }

    private static List<Link> Dump(NetlinkRequests requests) => requests.Dump(Nl.RTM_GETLINK, "all links", Nothing, SoftUnicast.Linux.Net.Link.Parse);

    private static void Nothing(ref NetlinkWriter writer) => writer.Header(default(IfInfoMsg));

    private static byte[] Link(uint sequence, int index, string name, ushort flags) =>
        Netlink.Message(Nl.RTM_NEWLINK, (ushort)(Multi | flags), sequence, Netlink.IfInfo(index), Netlink.Attribute(Nl.IFLA_IFNAME, name));

    private static byte[] Done(uint sequence, ushort flags) => Netlink.Message(Nl.NLMSG_DONE, (ushort)(Multi | flags), sequence, new byte[4]);

    /// <summary>Answers each request with the datagrams of the next script; the last one repeats.</summary>
    private sealed class Kernel(params Func<uint, byte[][]>[] scripts) : INetlinkTransport
    {
        private readonly Queue<byte[]> queue = new();
        private int requests;

        public void Send(ReadOnlySpan<byte> request)
        {
            var script = scripts[Math.Min(requests++, scripts.Length - 1)];
            foreach (var datagram in script(BitConverter.ToUInt32(request[8..])))
            {
                queue.Enqueue(datagram);
            }
        }

        public ReadOnlySpan<byte> Receive() => queue.Dequeue();

        public void Dispose()
        {
        }
    }
}
