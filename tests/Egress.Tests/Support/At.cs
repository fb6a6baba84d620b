using SoftUnicast.Egress.Life;

namespace SoftUnicast.Egress.Tests.Support;

/// <summary>Moments: seconds after noon of 22 November 2026, an hour after the server booted.</summary>
internal static class At
{
    public const string Boot = "5f1c9a52-0e0b-4c4e-9d1c-6a6d0f6d5b01";
    public const string NextBoot = "0c3f6d0e-77aa-4b0e-8f5e-2f2f5b1b9d02";

    public static DateTimeOffset Noon { get; } = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    /// <param name="ahead">How far the wall clock runs ahead of the truth.</param>
    public static Clock Second(double second, double ahead = 0, string boot = Boot) =>
        new(Noon.AddSeconds(second + ahead), TimeSpan.FromSeconds(3600 + second), boot);

    /// <summary>In the next boot, which began at second 100.</summary>
    public static Clock SecondAfterReboot(double second, double ahead = 0) =>
        new(Noon.AddSeconds(second + ahead), TimeSpan.FromSeconds(second - 100), NextBoot);
}
