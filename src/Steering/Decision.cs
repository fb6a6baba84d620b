using System.Collections.Immutable;
using SoftUnicast.Model;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Steering;

/// <summary>What became of a frame.</summary>
/// <param name="EgressInterface">ifindex that it leaves by; 0 if it goes to the kernel's own stack or is dropped.</param>
/// <param name="Output">The frame as it leaves or as the kernel's stack gets it; empty if it is dropped.</param>
/// <param name="Endpoint">Where it is sent, for steer and transit; for drops, the endpoint that it would have gone to, if any.</param>
/// <param name="Slice">The slice that it belongs to, once that is known.</param>
/// <param name="Steps">How the decision came about, one sentence a step; empty unless asked for.</param>
public sealed record Decision(
    Verdict Verdict,
    Reason Reason,
    int EgressInterface,
    ReadOnlyMemory<byte> Output,
    SteeringEndpoint? Endpoint,
    AddressPorts? Slice,
    ImmutableArray<string> Steps);
