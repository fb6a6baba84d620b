using System.Globalization;
using SoftUnicast.Bench;

const string Usage = "usage: bench/run steer [--json]";
CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
if (args is not ["steer"] and not ["steer", "--json"])
{
    Console.Error.WriteLine(Usage);
    return 2;
}

try
{
    var report = SteerBench.Run();
    Console.WriteLine(args.Contains("--json") ? report.ToJson() : report.ToText());
    return 0;
}
catch (IOException refusal)
{
    Console.Error.WriteLine(refusal.Message);
    return 1;
}
