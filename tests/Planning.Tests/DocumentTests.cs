using SoftUnicast.Model;
using static SoftUnicast.Planning.Tests.Fleets;

namespace SoftUnicast.Planning.Tests;

/// <summary>The examples of docs/plan.md are what the planner prints.</summary>
public sealed class DocumentTests
{
    private static readonly string Page = File.ReadAllText(Path.Combine(Root(), "docs", "plan.md"));

    [Fact]
    public void The_split_is_the_one_shown()
    {
        var plan = Plan(Make(Pool(addresses: 2, weights: [("ams", 1), ("fra", 1), ("nyc", 1)]), ("ams", 3), ("fra", 3), ("nyc", 3)));
        Shows(string.Concat(plan.Pool("us")!.Blocks.Select(b => $"{b.Block.ToString().PadRight(21)}  {b.Datacenter}\n")));
    }

    [Fact]
    public void The_change_is_the_one_shown()
    {
        var fleet = Make(Pool("us-general", addresses: 3, weights: [("ams", 1), ("fra", 1)]), ("ams", 3), ("fra", 1));
        var inForce = Plan(fleet) with { Generation = 7 };
        Shows(PlanText.Render(Planner.Plan(fleet.Without("ams-2").With("fra", "fra-2"), inForce, Now, Quarantine)));
    }

    [Fact]
    public void The_refusal_is_the_one_shown() =>
        Shows(PlanText.Render(Planner.Plan(Make(Pool("us-general", addresses: 1, weights: [("ams", 1)]), ("ams", 32)), Assignment.Empty, Now, Quarantine)));

    private static void Shows(string example) => Assert.Contains($"```\n{example}```\n", Page, StringComparison.Ordinal);

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "SoftUnicast.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new DirectoryNotFoundException("SoftUnicast.sln is in no folder above the tests");
    }
}
