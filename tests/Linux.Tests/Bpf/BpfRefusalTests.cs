using System.Runtime.InteropServices;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Host;
using SoftUnicast.Linux.Tests.Net;

namespace SoftUnicast.Linux.Tests.Bpf;

/// <summary>Others' programs, missing rights, and what a start that failed leaves behind.</summary>
public partial class BpfRefusalTests
{
    private const uint CapabilityVersion = 0x20080522; // _LINUX_CAPABILITY_VERSION_3

    [Theory]
    [InlineData("xdp")]
    [InlineData("xdpgeneric")]
    public void A_program_that_another_tool_attached_is_named_and_stays(string how)
    {
        using var pins = new BpfPins();
        using var net = new NetNamespace();
        net.Ip("link add su0 type veth peer name su1");
        var strangersPin = pins.Folder + "-stranger";
        try
        {
            PinStranger(strangersPin);
            NetNamespace.Run("nsenter", $"--net=/run/netns/{net.Name}", "ip", "link", "set", "dev", "su0", how, "pinned", strangersPin);
            using var steering = PinnedSteering.LoadOrAdopt(pins.Folder);

            var refusal = Assert.IsType<ForeignProgramException>(Assert.Throws<InvalidOperationException>(
                () => net.Within(() => steering.Attach("su0", XdpMode.Auto))).InnerException);

            Assert.Equal(("su0", "stranger"), (refusal.InterfaceName, refusal.ProgramName));
            Assert.EndsWith($"or 'ip link set dev su0 {how} off'", refusal.Message, StringComparison.Ordinal);
            var seen = net.Ip("link show su0");
            Assert.Contains($" {how} ", seen, StringComparison.Ordinal);
            Assert.Contains($"prog/xdp id {refusal.ProgramId} ", seen, StringComparison.Ordinal);
            Assert.Empty(PinnedSteering.Attachments(pins.Folder));

            // What the message advises, then the same again.
            net.Ip($"link set dev su0 {how} off");
            Assert.Equal(AttachmentChange.Attached, net.Within(() => steering.Attach("su0", XdpMode.Auto)).Change);
        }
        finally
        {
            File.Delete(strangersPin);
        }
    }

    [Fact]
    public void Without_capabilities_loading_is_refused_with_those_needed_and_pins_nothing()
    {
        using var pins = new BpfPins();

        var refusal = Assert.IsType<BpfException>(WithoutCapabilities(() => PinnedSteering.LoadOrAdopt(pins.Folder).Dispose()));

        Assert.Equal(Libc.EPERM, refusal.Errno);
        Assert.StartsWith("bpf_object__load steer: EPERM", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON are needed", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(pins.Pin("")));
    }

    [Fact]
    public void There_is_nothing_to_look_at_in_a_folder_that_a_failed_start_left_empty()
    {
        using var pins = new BpfPins();
        Directory.CreateDirectory(pins.Pin(""));

        var refusal = Assert.Throws<PinnedStateException>(() => PinnedSteering.OpenReadOnly(pins.Folder));

        Assert.Equal($"nothing is pinned in {pins.Folder}/v1: the packet path is not loaded", refusal.Message);
    }

    /// <summary>A program that passes everything, compiled and pinned.</summary>
    private static void PinStranger(string pin)
    {
        var folder = Directory.CreateTempSubdirectory("su-bpf-");
        try
        {
            var path = Path.Combine(folder.FullName, "stranger.o");
            NetNamespace.Run(
                "sh", "-c",
                "for clang in \"$CLANG\" clang-19 clang-18 clang-17 clang-16 clang-15 clang-14 clang; do command -v \"$clang\" > /dev/null && break; done; "
                + "echo '__attribute__((section(\"xdp\"), used)) int stranger(void *ctx) { return 2; }' | \"$clang\" -target bpf -g -O2 -c -x c -o \"$0\" -",
                path);
            NetNamespace.Run("bpftool", "prog", "load", path, pin);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static Exception? WithoutCapabilities(Action action)
    {
        Exception? failure = null;
        var thread = new Thread(() => failure = Record.Exception(() =>
        {
            DropCapabilities();
            action();
        }));
        thread.Start();
        thread.Join();
        return failure;
    }

    /// <summary>Of this thread alone, which must not be one of the pool.</summary>
    private static void DropCapabilities()
    {
        uint[] header = [CapabilityVersion, 0];
        if (SetCapabilities(header, new uint[6]) < 0)
        {
            throw SystemCallException.Last("capset", "this thread");
        }
    }

    [LibraryImport("libc", EntryPoint = "capset", SetLastError = true)]
    private static partial int SetCapabilities(uint[] header, uint[] data);
}
