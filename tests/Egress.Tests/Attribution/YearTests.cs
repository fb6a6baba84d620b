using SoftUnicast.Egress.Attribution;
using SoftUnicast.Egress.Life;
using SoftUnicast.Egress.Tests.Support;
using SoftUnicast.Model;

namespace SoftUnicast.Egress.Tests.Attribution;

/// <summary>A year of files. How fast it is answered is the bench's business; that one file is enough for it is shown here.</summary>
public sealed class YearTests
{
    private const int Days = 366; // 22 November 2027 to 21 November 2028, a leap year
    private static readonly DateTimeOffset Start = new(2027, 11, 22, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Any_day_of_a_year_is_answered_from_its_own_file()
    {
        using var folder = new TempFolder();
        using (var log = AttributionLog.Open(folder.Path, Samples.Server, At(0), folder))
        {
            for (var hour = 6; hour < Days * 24; hour += 6)
            {
                // Every quarter of a day another slice of the same address.
                log.Append([Samples.Now(Samples.Free(Slice(hour - 6))), Samples.Now(Samples.Owned(Slice(hour)) with { Since = At(hour) })], At(hour));
            }
        }

        Assert.Equal(Days, folder.Logs.Count());
        Assert.Empty(AttributionReader.Verify(folder.Path));

        using var alone = new TempFolder();
        for (var day = 1; day < Days - 1; day++)
        {
            var file = $"attribution-{Start.AddDays(day):yyyy-MM-dd}.jsonl";
            File.Copy(folder.At(file), alone.At(file));
            for (var hour = day * 24; hour < (day + 1) * 24; hour += 5)
            {
                var slice = Slice(hour / 6 * 6);
                var whole = AttributionReader.Who(folder.Path, slice.Address, slice.Ports.First, At(hour).Wall);
                Assert.Equal(whole, AttributionReader.Who(alone.Path, slice.Address, slice.Ports.First, At(hour).Wall), Same);
                Assert.Equal((slice, file), whole is WhoAnswer.Had had ? (had.Slice.Slice, had.Record.File) : default);
                Assert.IsType<WhoAnswer.NotOurs>(AttributionReader.Who(folder.Path, slice.Address, Slice(hour / 6 * 6 + 6).Ports.First, At(hour).Wall));
            }

            File.Delete(alone.At(file));
        }
    }

    private static bool Same(WhoAnswer left, WhoAnswer right) =>
        left is WhoAnswer.Had one && right is WhoAnswer.Had other && one.Slice == other.Slice && one.Record == other.Record;

    private static AddressPorts Slice(int hour) => new(IpAddress.Parse("192.0.2.7"), SliceSize.Create(2048).PortsOf(1 + (hour / 6 % 31)));

    private static Clock At(int hour) => new(Start.AddHours(hour), TimeSpan.FromHours(hour), Support.At.Boot);
}
