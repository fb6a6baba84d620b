using System.Text;

namespace SoftUnicast.Config.Tests;

public class ConfigCheckTests
{
    private static readonly Dictionary<string, string> Good = new()
    {
        ["/etc/su/softunicast.yaml"] = Files.GoodText("server-small.yaml") + "assignment: assignment.yaml\n",
        ["/etc/su/fleet.yaml"] = Files.GoodText("fleet-small.yaml"),
        ["/etc/su/assignment.yaml"] = Files.GoodText("assignment-small.yaml"),
    };

    [Fact]
    public void Three_good_files_give_three_values()
    {
        var result = Load();
        Assert.Empty(result.Diagnostics);
        Assert.Equal(("ams-1", 4, 7L), (result.Server!.Server, result.Fleet!.Servers.Count, result.Assignment!.Generation));
        Assert.Equal("no errors", DiagnosticText.Summary(result.Diagnostics));
    }

    [Fact]
    public void A_file_that_cannot_be_read_is_named_with_the_reason()
    {
        Assert.Equal(
            "/etc/su/softunicast.yaml: error: cannot be read: No such file or directory\n",
            Text(Load(("/etc/su/softunicast.yaml", null))));
        Assert.Equal(
            "/etc/su/fleet.yaml: error: cannot be read: No such file or directory\n      = the same file goes to every server\n",
            Text(Load(("/etc/su/fleet.yaml", null))));
        Assert.Equal(
            "/etc/su/assignment.yaml: error: cannot be read: No such file or directory\n      = 'softunicastc plan' makes it\n",
            Text(Load(("/etc/su/assignment.yaml", null))));
    }

    [Fact]
    public void The_naming_file_is_read_if_the_server_names_it_and_held_to_the_fleet()
    {
        var server = ("/etc/su/softunicast.yaml", Good["/etc/su/softunicast.yaml"] + "naming: { file: naming.yaml }\n");
        var naming = Files.GoodText("naming-small.yaml");

        Assert.Null(Load().Naming);
        Assert.NotEmpty(Load(server, ("/etc/su/naming.yaml", naming)).Naming!.Policies);
        Assert.StartsWith("/etc/su/naming.yaml: error: cannot be read: No such file or directory\n", Text(Load(server)), StringComparison.Ordinal);
        var wrong = Load(server, ("/etc/su/naming.yaml", naming + "zone: 1\n"));
        Assert.Null(wrong.Naming);
        Assert.NotNull(wrong.Assignment);
        Assert.Equal(["/etc/su/naming.yaml"], wrong.Diagnostics.Select(d => d.File));
    }

    [Fact]
    public void Errors_of_all_three_files_are_shown_in_one_go()
    {
        var result = Load(
            ("/etc/su/softunicast.yaml", Good["/etc/su/softunicast.yaml"].Replace("server: ams-1", "server: asm-1", StringComparison.Ordinal)),
            ("/etc/su/assignment.yaml", Good["/etc/su/assignment.yaml"].Replace("4096-6143", "4096-6144", StringComparison.Ordinal)));
        Assert.Null(result.Server);
        Assert.NotNull(result.Fleet);
        Assert.Null(result.Assignment);
        Assert.Equal(["/etc/su/softunicast.yaml", "/etc/su/assignment.yaml"], result.Diagnostics.Select(d => d.File));
        Assert.Equal("2 errors", DiagnosticText.Summary(result.Diagnostics));
    }

    [Fact]
    public void A_broken_fleet_file_does_not_hide_errors_in_the_assignment()
    {
        var result = Load(
            ("/etc/su/fleet.yaml", Good["/etc/su/fleet.yaml"].Replace("64512", "0", StringComparison.Ordinal)),
            ("/etc/su/assignment.yaml", Good["/etc/su/assignment.yaml"].Replace("generation", "generations", StringComparison.Ordinal)));
        Assert.NotNull(result.Server);
        Assert.Equal(["/etc/su/fleet.yaml", "/etc/su/assignment.yaml"], result.Diagnostics.Select(d => d.File));
    }

    [Fact]
    public void A_broken_server_file_ends_it_because_it_names_the_others()
    {
        var asked = new List<string>();
        var result = ConfigCheck.Load("/etc/su/softunicast.yaml", path =>
        {
            asked.Add(path);
            return new FileContent("server: ["u8.ToArray());
        });
        Assert.True(result.HasErrors);
        Assert.Equal(["/etc/su/softunicast.yaml"], asked);
    }

    [Fact]
    public void A_server_without_a_slice_in_a_pool_of_its_datacenter_is_a_warning()
    {
        var result = Load(("/etc/su/assignment.yaml", Good["/etc/su/assignment.yaml"].Replace("            ams-1: [2048-4095]\n", "", StringComparison.Ordinal)));
        Assert.Equal(
            "/etc/su/assignment.yaml: warning: server 'ams-1' owns no slice of pool 'us-general', which its datacenter serves\n      = plan again\n",
            Text(result));
        Assert.NotNull(result.Assignment);
        Assert.Equal("no errors, 1 warning", DiagnosticText.Summary(result.Diagnostics));
    }

    [Fact]
    public void Bytes_that_are_not_text_are_an_error()
    {
        var result = ConfigCheck.Load("s.yaml", _ => new FileContent(new byte[] { 0x61, 0xff }));
        Assert.Equal("s.yaml:1:2: error: byte 0xff is not UTF-8", Text(result).Split('\n')[0]);
    }

    private static string Text(ConfigCheckResult result) => DiagnosticText.Render(result.Diagnostics);

    private static ConfigCheckResult Load(params (string Path, string? Text)[] changes)
    {
        var files = new Dictionary<string, string>(Good);
        foreach (var (path, text) in changes)
        {
            files.Remove(path);
            if (text is not null)
            {
                files[path] = text;
            }
        }

        return ConfigCheck.Load(
            "/etc/su/softunicast.yaml",
            path => files.TryGetValue(path, out var text) ? new FileContent(Encoding.UTF8.GetBytes(text)) : new FileContent("No such file or directory"));
    }
}
