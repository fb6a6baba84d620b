using SoftUnicast.Steering;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Packet.Tests;

/// <summary>One steering table in the oracle and in the program's maps; packets go through both.</summary>
internal sealed class Comparison(ProgramUnderTest program) : IDisposable
{
    /// <summary>What BPF_PROG_TEST_RUN says that it arrives on: the loopback interface.</summary>
    public const int Ingress = 1;

    private const uint XdpDrop = 1;
    private const uint XdpPass = 2;
    private const uint XdpTx = 3;
    private const uint XdpRedirect = 4;
    private SteeringWriter writer = new(program.Maps);

    public SteeringTable Table { get; private set; } = SteeringTable.Empty;

    public long Packets { get; private set; }

    public void Use(SteeringTable table)
    {
        var report = writer.Apply(table);
        Assert.Null(report.Refusal);
        Table = table;
    }

    public void RestartWriter() => writer = new SteeringWriter(program.Maps);

    /// <summary>Runs a frame through both.</summary>
    /// <returns>The oracle's decision, and how the program differs; null if it does not.</returns>
    public (Decision Expected, string? Difference) Run(ReadOnlySpan<byte> frame)
    {
        Packets++;
        var expected = Table.Decide(frame, Ingress);
        var counter = CounterOf(expected);
        var before = counter is { } index ? program.EndpointCounter(index) : default;
        var actual = program.Run(frame);
        var difference = Differs(expected, actual, frame.Length);
        if (difference is null && counter is { } same)
        {
            var counted = program.EndpointCounter(same);
            if (counted.Packets != before.Packets + 1 || counted.Bytes != before.Bytes + (ulong)frame.Length)
            {
                difference = $"endpoint counter {same} went from {before.Packets} packets, {before.Bytes} bytes to {counted.Packets}, {counted.Bytes}";
            }
        }

        return (expected, difference);
    }

    /// <summary>The endpoint counter that a decision counts into.</summary>
    public int? CounterOf(Decision decision) => decision.Verdict switch
    {
        Verdict.Steer or Verdict.Transit => writer.IndexOf(decision.Endpoint!),
        _ => null,
    };

    public void Dispose() => program.Dispose();

    private static string? Differs(Decision expected, Outcome actual, int frameBytes)
    {
        if (actual.Reason != expected.Reason)
        {
            return $"the oracle says {expected.Reason}, the program {actual.Reason?.ToString() ?? "counted nothing"}";
        }

        if (actual.Bytes != (ulong)frameBytes)
        {
            return $"{expected.Reason}: {actual.Bytes} bytes were counted of {frameBytes}";
        }

        var action = expected.Verdict switch
        {
            Verdict.Drop => XdpDrop,
            Verdict.Pass or Verdict.Decapsulate => XdpPass,
            _ => expected.EgressInterface == Ingress ? XdpTx : XdpRedirect,
        };
        if (actual.Action != action)
        {
            return $"{expected.Reason}: XDP action {actual.Action} instead of {action}";
        }

        return expected.Verdict == Verdict.Drop || actual.Output.AsSpan().SequenceEqual(expected.Output.Span)
            ? null
            : $"{expected.Reason}: output differs\n  oracle  {Convert.ToHexString(expected.Output.Span)}\n  program {Convert.ToHexString(actual.Output)}";
    }
}
