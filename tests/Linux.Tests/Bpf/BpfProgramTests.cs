using System.Buffers.Binary;
using System.Text;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Host;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Linux.Tests.Bpf;

/// <summary>The steering program in this kernel, without pins or interfaces.</summary>
public class BpfProgramTests
{
    private const uint XdpPass = 2;
    private const int MostVerifiedInstructions = 2000;

    [Fact]
    public void The_verifier_walks_fewer_than_2000_instructions()
    {
        using var steering = Load();

        Assert.Equal("su_steer", steering.Program.Name);
        Assert.InRange(steering.Program.VerifiedInstructions, 1, MostVerifiedInstructions - 1);
    }

    [Fact]
    public void What_no_table_knows_passes_untouched_and_is_counted_with_its_bytes()
    {
        using var steering = Load();
        var frame = Enumerable.Range(0, 60).Select(i => (byte)i).ToArray();
        var output = new byte[64];

        var run = steering.Program.Run(frame, output, repeat: 3);

        Assert.Equal(XdpPass, run.ReturnValue);
        Assert.Equal(frame, output[..run.OutputBytes]);
        var counters = new SuCounter[AbiLimits.Reasons];
        steering.Maps.ReadCounters(counters);
        Assert.Equal((3ul, 180ul), (counters[(int)Reason.NotOurs].Packets, counters[(int)Reason.NotOurs].Bytes));
        Assert.All(counters[1..], counter => Assert.Equal(0ul, counter.Packets));
    }

    [Fact]
    public void The_output_of_a_run_may_be_cut_short()
    {
        using var steering = Load();
        var output = new byte[20];

        var run = steering.Program.Run(new byte[60], output);

        Assert.Equal(60, run.OutputBytes);
    }

    [Fact]
    public void A_packet_shorter_than_an_Ethernet_header_cannot_be_run()
    {
        using var steering = Load();

        var refusal = Assert.Throws<BpfException>(() => steering.Program.Run(new byte[13], new byte[64]));

        Assert.Equal(Libc.EINVAL, refusal.Errno);
        Assert.StartsWith("bpf(BPF_PROG_TEST_RUN) su_steer: EINVAL", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_packet_cannot_arrive_by_an_interface_that_does_not_exist()
    {
        using var steering = Load();

        Assert.Throws<BpfException>(() => steering.Program.Run(new byte[60], new byte[64], ingressInterface: 0x7ffffff0));
    }

    [Fact]
    public void Endpoint_counters_are_read_from_any_index_to_the_last_and_cleared()
    {
        using var steering = Load();
        var all = new SuCounter[AbiLimits.Endpoints];
        steering.Maps.ReadEndpointCounters(0, all);
        Assert.All(all, counter => Assert.Equal(0ul, counter.Packets));

        var last = new SuCounter[1];
        steering.Maps.ReadEndpointCounters(AbiLimits.Endpoints - 1, last);
        steering.Maps.ClearEndpointCounter(AbiLimits.Endpoints - 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => steering.Maps.ReadEndpointCounters(AbiLimits.Endpoints - 1, new SuCounter[2]));
    }

    [Fact]
    public void What_is_stored_in_the_tables_is_there_and_they_do_not_overlap()
    {
        using var steering = Load();
        var maps = steering.Maps;

        maps.L1[^1] = 1;
        maps.L2[^1].RowBase = 2;
        maps.Rows[^1] = 3;
        maps.Endpoints[^1].Ifindex = 4;
        maps.Interfaces[^1].Roles = 5;
        maps.Settings.Generation = 6;

        Assert.Equal(
            (1, 2u, 3, 4u, 5, 6ul),
            ((int)maps.L1[^1], maps.L2[^1].RowBase, (int)maps.Rows[^1], maps.Endpoints[^1].Ifindex, (int)maps.Interfaces[^1].Roles, maps.Settings.Generation));
        Assert.Equal(1, maps.L1.ToArray().Count(block => block != 0));
        Assert.Equal(1, maps.Rows.ToArray().Count(slot => slot != 0));
        Assert.Equal(0u, maps.Settings.Locals[0].AddressBe);
    }

    [Fact]
    public void Waiting_for_readers_ends()
    {
        using var steering = Load();

        steering.Maps.WaitForReaders();
    }

    [Fact]
    public void Disposed_tables_cannot_be_reached()
    {
        var steering = Load();
        steering.Dispose();

        Assert.Throws<ObjectDisposedException>(() => steering.Maps.Rows[0] = 1);
    }

    [Fact]
    public void What_is_no_object_file_is_refused_with_what_libbpf_says()
    {
        var refusal = Assert.Throws<BpfException>(() => BpfObject.Open("nonsense", "not an ELF file at all, only text"u8));

        Assert.StartsWith("bpf_object__open_mem nonsense: ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("libbpf says: ", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_program_that_the_verifier_refuses_is_named_with_its_words_and_the_kernel_needed()
    {
        SkipWithoutRoot();
        using var broken = BpfObject.Open("broken", WithFirstInstruction(0x79)); // r0 = *(u64 *)(r0 + 0): r0 holds nothing yet

        var refusal = Assert.Throws<BpfException>(() => broken.Load("6.0"));

        Assert.Equal(Libc.EACCES, refusal.Errno);
        Assert.StartsWith("bpf_object__load broken: EACCES", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("the verifier says of su_steer: ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("!read_ok", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("needs Linux 6.0 or later", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
    }

    [Fact]
    public void A_loaded_object_cannot_be_changed_any_more()
    {
        SkipWithoutRoot();
        using var steer = SteeringProgram.Open();
        steer.Load(SteeringProgram.KernelNeeded);

        Assert.Throws<InvalidOperationException>(() => steer.SetPinPath("su_counters", "/sys/fs/bpf/nowhere"));
        Assert.Throws<InvalidOperationException>(() => steer.Load(SteeringProgram.KernelNeeded));
        Assert.Throws<InvalidOperationException>(() => steer.Map("su_nothing"));
        Assert.Throws<InvalidOperationException>(() => steer.Program("su_nothing"));
    }

    private static LoadedSteering Load()
    {
        SkipWithoutRoot();
        return SteeringProgram.Load();
    }

    private static void SkipWithoutRoot() => Assert.SkipUnless(Environment.UserName == "root", "loading BPF programs needs root");

    /// <summary>The steering program with another operation, between registers 0, in its first instruction.</summary>
    private static byte[] WithFirstInstruction(byte operation)
    {
        var elf = SteeringProgram.Elf();
        var sections = (int)BinaryPrimitives.ReadUInt64LittleEndian(elf.AsSpan(0x28));
        var count = BinaryPrimitives.ReadUInt16LittleEndian(elf.AsSpan(0x3c));
        var namesIndex = BinaryPrimitives.ReadUInt16LittleEndian(elf.AsSpan(0x3e));
        int Header(int index) => sections + (64 * index);
        int Offset(int index) => (int)BinaryPrimitives.ReadUInt64LittleEndian(elf.AsSpan(Header(index) + 0x18));
        for (var i = 0; i < count; i++)
        {
            var name = elf.AsSpan(Offset(namesIndex) + BinaryPrimitives.ReadInt32LittleEndian(elf.AsSpan(Header(i))));
            if (Encoding.ASCII.GetString(name[..name.IndexOf((byte)0)]) == "xdp.frags")
            {
                elf.AsSpan(Offset(i), 8).Clear();
                elf[Offset(i)] = operation;
                return elf;
            }
        }

        throw new InvalidOperationException("the object has no section xdp.frags");
    }
}
