namespace SoftUnicast.Egress.Life;

/// <summary>
/// What all clocks of a server say at one moment. The wall clock can be set; the time since boot runs on by itself, but
/// means something only within its boot.
/// </summary>
/// <param name="Wall">The time of day, UTC.</param>
/// <param name="SinceBoot">CLOCK_BOOTTIME: suspended time counts (clock_gettime(2)).</param>
/// <param name="BootId">What /proc/sys/kernel/random/boot_id says: another text after every boot.</param>
public sealed record Clock(DateTimeOffset Wall, TimeSpan SinceBoot, string BootId)
{
    /// <summary>
    /// How long ago <paramref name="then"/> was: by the time since boot within one boot, by the wall clock after a reboot.
    /// Null if the wall clock stands before <paramref name="then"/>, so that nobody can know.
    /// </summary>
    public TimeSpan? Since(Clock then)
    {
        ArgumentNullException.ThrowIfNull(then);
        if (BootId == then.BootId)
        {
            return SinceBoot - then.SinceBoot;
        }

        return Wall < then.Wall ? null : Wall - then.Wall;
    }
}
