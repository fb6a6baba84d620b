using SoftUnicast.Cli.Slices;

namespace SoftUnicast.Cli.Tests.Support;

/// <summary>A cgroup tree in memory and a process that only notes what it became, in the order of what was done.</summary>
internal sealed class FakeKernel : ICgroups, IProgram
{
    public List<string> Done { get; } = [];

    public string OwnPath { get; set; } = "/user.slice";

    public CgroupException? Refusal { get; set; }

    /// <summary>Which call is refused; null: every one.</summary>
    public string? Refused { get; set; }

    public ProgramException? NoProgram { get; set; }

    public CgroupPlace Own() => Note("own", new CgroupPlace(7, OwnPath));

    public CgroupPlace Find(string path) => Note($"find {path}", new CgroupPlace(8, path));

    public CgroupPlace Make(string name) => Note("make", new CgroupPlace(4711, $"{OwnPath}/{name}"));

    public void Enter(CgroupPlace place) => Note($"enter {place.Id}", place);

    public void Remove(CgroupPlace place) => Note($"remove {place.Id}", place);

    public string? Name { get; private set; }

    public void TakeName(string program) => Name = program;

    public void Become(IReadOnlyList<string> words)
    {
        Done.Add($"become {string.Join(' ', words)}");
        if (NoProgram is { } failure)
        {
            throw failure;
        }
    }

    private CgroupPlace Note(string what, CgroupPlace place)
    {
        if (Refusal is { } refusal && (Refused is null || what.StartsWith(Refused, StringComparison.Ordinal)))
        {
            throw refusal;
        }

        Done.Add(what);
        return place;
    }
}
