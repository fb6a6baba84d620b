using SoftUnicast.Egress.Abi;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Model;
using SoftUnicast.Steering;
using SoftUnicast.Steering.Abi;
using SoftUnicast.Steering.Tests.Support;

namespace SoftUnicast.Linux.Tests.Guard;

/// <summary>
/// The real guard, loaded and not pinned, beside a steering program's tables:
/// <code>
///   192.0.2.7   slices of 2,048:  1 here (2048-4095)   2 another server (4096-6143)   the others nobody
/// </code>
/// </summary>
internal sealed class GuardUnderTest : IDisposable
{
    public const string Shared = "192.0.2.7";
    public const int Owned = 2100;
    public const int Foreign = 4200;
    public const int Unowned = 40000;
    public const uint Shot = 2; // TC_ACT_SHOT
    public const uint Unspecified = uint.MaxValue; // TC_ACT_UNSPEC

    private readonly LoadedSteering steering;
    private readonly LoadedGuard guard;
    private readonly SuCounter[] before = new SuCounter[GuardReasons.Count];
    private readonly SuCounter[] after = new SuCounter[GuardReasons.Count];

    public GuardUnderTest()
    {
        Assert.SkipUnless(Environment.UserName == "root", "loading BPF programs needs root");
        steering = SteeringProgram.Load();
        try
        {
            guard = GuardProgram.Load(steering);
            Use(Table());
        }
        catch
        {
            steering.Dispose();
            throw;
        }
    }

    public GuardMaps Maps => guard.Maps;

    public BpfProgram Program => guard.Program;

    public static SteeringTable Table() => Pool()
        .SetOwner(IpAddress.Parse(Shared), 1, SliceOwner.Here)
        .SetOwner(IpAddress.Parse(Shared), 2, SliceOwner.At(TestEndpoint.Make("10.1.1.2")))
        .Build();

    public static SteeringTableBuilder Pool() =>
        new SteeringTableBuilder().AddPrefix(IpPrefix.Parse("192.0.2.0/24"), SliceSize.Create(2048), EgressPolicies.None);

    public void Use(SteeringTable table) => Assert.Null(new SteeringWriter(steering.Maps).Apply(table).Refusal);

    /// <summary>Puts a frame through: its verdict and its one reason must fit, and the frame stays as it is.</summary>
    public GuardReason Judge(ReadOnlySpan<byte> frame)
    {
        var output = new byte[frame.Length];
        var run = guard.Program.Run(frame, output);
        Assert.True(frame.SequenceEqual(output.AsSpan(0, run.OutputBytes)), "the guard changed the frame");
        guard.Maps.ReadCounters(after);
        GuardReason? reason = null;
        for (var i = 0; i < after.Length; i++)
        {
            if (after[i].Packets != before[i].Packets)
            {
                Assert.True(reason is null && after[i].Packets == before[i].Packets + 1, $"counted as {reason} and {(GuardReason)i}");
                Assert.Equal((ulong)frame.Length, after[i].Bytes - before[i].Bytes);
                reason = (GuardReason)i;
            }
        }

        after.CopyTo(before, 0);
        Assert.NotNull(reason);
        Assert.Equal(GuardReasons.IsDrop(reason.Value) ? Shot : Unspecified, run.ReturnValue);
        return reason.Value;
    }

    public void Dispose()
    {
        guard.Dispose();
        steering.Dispose();
    }
}
