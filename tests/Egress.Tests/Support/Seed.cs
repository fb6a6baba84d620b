using System.Globalization;

namespace SoftUnicast.Egress.Tests.Support;

/// <summary>The seed of a random test: SOFTUNICAST_SEED if set, else a new one. Failures print it.</summary>
internal static class Seed
{
    public static int Choose() =>
        int.TryParse(Environment.GetEnvironmentVariable("SOFTUNICAST_SEED"), NumberStyles.Integer, CultureInfo.InvariantCulture, out var seed)
            ? seed
            : Random.Shared.Next();

    public static string Hint(int seed) => $"SOFTUNICAST_SEED={seed}";
}
