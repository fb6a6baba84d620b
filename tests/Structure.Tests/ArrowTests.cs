using System.Xml.Linq;

namespace SoftUnicast.Structure.Tests;

/// <summary>The arrows between rooms, as ARCHITECTURE.md tells them, held to the project files.</summary>
public class ArrowTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Model"] = [],
        ["Config"] = ["Model"],
        ["Planning"] = ["Model"],
        ["Control"] = ["Model"],
        ["BgpSpeaker"] = ["Model"],
        ["Tunnels"] = ["Model"],
        ["Steering"] = ["Model"],
        ["Egress"] = ["Model"],
        ["Naming"] = ["Model"],
        ["Client"] = ["Control", "Model"],
        ["Dispatch"] = ["Model"],
        ["Linux"] = ["Dispatch", "Egress", "Model", "Steering", "Tunnels"],
        ["Cli"] = ["Config", "Control", "Dispatch", "Egress", "Linux", "Model", "Naming", "Planning"],
        ["Daemon"] = ["BgpSpeaker", "Config", "Control", "Dispatch", "Egress", "Linux", "Model", "Naming", "Planning", "Steering", "Tunnels"],
    };

    public static TheoryData<string> Rooms =>
        [.. Directory.GetDirectories(Path.Combine(Tree.Root, "src")).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_knows_only_the_rooms_below_it(string room)
    {
        var project = XDocument.Parse(Tree.Read($"src/{room}/{room}.csproj"));
        var known = project.Descendants("ProjectReference")
            .Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/')));

        Assert.True(Allowed.ContainsKey(room), $"ARCHITECTURE.md knows no room {room}");
        Assert.Empty(known.Except(Allowed[room]));
    }

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_has_a_page_about_itself_and_its_place_in_the_architecture(string room)
    {
        Assert.NotEmpty(Tree.Read($"src/{room}/README.md"));
        Assert.Contains($"src/{room}/", Tree.Read("ARCHITECTURE.md"), StringComparison.Ordinal);
    }

    [Fact]
    public void Only_the_Linux_room_calls_into_native_code()
    {
        var callers = Directory.EnumerateFiles(Path.Combine(Tree.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(p => !p.Contains("/obj/", StringComparison.Ordinal) && !p.Contains("/src/Linux/", StringComparison.Ordinal))
            .Where(p => File.ReadAllText(p) is var text && (text.Contains("LibraryImport", StringComparison.Ordinal) || text.Contains("DllImport", StringComparison.Ordinal)));

        Assert.Empty(callers);
    }
}
