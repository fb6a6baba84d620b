using SoftUnicast.Egress.Attribution;
using SoftUnicast.Egress.SharingOut;

namespace SoftUnicast.Egress.Tests.Attribution;

/// <summary>States as text: lists inside records do not compare by what is in them.</summary>
internal static class Compare
{
    public static string Text(AttributionState state) => string.Join('\n', state.Slices.Values.Select(s => s.AfterRestart().ToString()))
        + "\n" + string.Join('\n', state.Leases.InForce.Values.Select(Text)) + $"\nnext {state.Leases.NextId}";

    public static string Text(Lease lease) =>
        $"{lease.Id} {lease.Holder} {string.Join(',', lease.Pools)} {string.Join(',', lease.Slices)} {lease.Use} {lease.Since:O}";

    public static void Same(AttributionState expected, AttributionState actual) => Assert.Equal(Text(expected), Text(actual));
}
