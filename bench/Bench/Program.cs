using System.Globalization;
using SoftUnicast.Bench;

var benches = new SortedDictionary<string, Func<IBenchReport>>(StringComparer.Ordinal)
{
    ["dispatch"] = DispatchBench.Run,
    ["egress"] = EgressBench.Run,
    ["naming"] = NamingBench.Run,
    ["steer"] = SteerBench.Run,
};
CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
if (args.Length == 0 || !benches.TryGetValue(args[0], out var bench) || args[1..] is not ([] or ["--json"]))
{
    Console.Error.WriteLine($"usage: bench/run {string.Join('|', benches.Keys)} [--json]");
    return 2;
}

try
{
    var report = bench();
    Console.WriteLine(args.Contains("--json") ? report.ToJson() : report.ToText());
    return 0;
}
catch (IOException refusal)
{
    Console.Error.WriteLine(refusal.Message);
    return 1;
}
