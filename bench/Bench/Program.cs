using System.Globalization;
using System.Runtime.InteropServices;
using SoftUnicast.Bench;

const string json = "--json";
string? part = null;
var isShort = false;
var benches = new SortedDictionary<string, Func<IBenchReport>>(StringComparer.Ordinal)
{
    ["agility"] = () => AgilityBench.Run(part, isShort),
    ["egress"] = EgressBench.Run,
    ["steer"] = SteerBench.Run,
};
CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
if (args.Length == 0 || !benches.TryGetValue(args[0], out var bench) || !Understand(args[1..]))
{
    Console.Error.WriteLine($"usage: bench/run {string.Join('|', benches.Keys)} [{json}]");
    Console.Error.WriteLine($"       bench/run agility [--part {AgilityBench.PartNames}] [--short] [{json}]");
    return 2;
}

void OnSignal(PosixSignalContext signal)
{
    Scratch.RemoveMine();
    Environment.Exit(1);
}

using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
try
{
    Scratch.RemoveLeft();
    var report = bench();
    Console.WriteLine(args.Contains(json) ? report.ToJson() : report.ToText());
    return 0;
}
catch (IOException refusal)
{
    Console.Error.WriteLine(refusal.Message);
    return 1;
}

bool Understand(string[] options)
{
    switch (options)
    {
        case []:
            return true;
        case [json, .. var rest]:
            return Understand(rest);
        case ["--short", .. var rest] when args[0] == "agility":
            isShort = true;
            return Understand(rest);
        case ["--part", var name, .. var rest] when args[0] == "agility" && AgilityBench.HasPart(name):
            part = name;
            return Understand(rest);
        default:
            return false;
    }
}
