using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Tests.Support;

namespace SoftUnicast.Control.Tests.Commands;

public sealed class CompletionTests
{
    private static readonly IKnownNames Names = new SampleHandler().Names;

    [Theory]
    [InlineData("", 0, "agility bind bound check down drain enroll exec exit help hold lease leave naming plan quit register release renew show trace unbind undrain unit-dropin unregister verify-log who", "", false)]
    [InlineData("sh", 0, "show", "show", false)]
    [InlineData("show ", 5, "agility bgp bindings dispatch drops guard host leases naming pools prefixes slice slices status tunnels", "", false)]
    [InlineData("show sl", 5, "slice slices", "slice", false)]
    [InlineData("sh sl ", 6, "for pool server", "", true)]
    [InlineData("show slices pool ", 17, "de-general us-general us-video", "", false)]
    [InlineData("show slices pool us", 17, "us-general us-video", "us-", false)]
    [InlineData("show slices pool us-general ", 28, "server", "server", true)]
    [InlineData("show slices server x", 19, "<SERVER>", "", false)]
    [InlineData("show slice for ", 15, "<ADDRESS:PORT>", "", false)]
    [InlineData("bind ", 5, "dns www", "", false)]
    [InlineData("bind www ", 9, "tcp udp", "", false)]
    [InlineData("bind www tcp ", 13, "<PREFIX>", "", false)]
    [InlineData("unregister w", 11, "www", "www", false)]
    [InlineData("agility ", 8, "drain end move undrain", "", false)]
    [InlineData("agility move ", 13, "cdn rest", "", false)]
    [InlineData("agility move cdn to ", 20, "one twenty twenty-four", "", false)]
    [InlineData("trace query www.example.com ", 28, "a aaaa", "a", true)]
    [InlineData("trace query ", 12, "<NAME>", "", false)]
    [InlineData("trace packet ", 13, "echo-reply echo-request hex icmp-error sctp tcp udp", "", false)]
    [InlineData("trace packet hex 00 on ", 23, "eth0 eth1", "eth", false)]
    [InlineData("lease ", 6, "pool tag", "", false)]
    [InlineData("lease pool us-", 11, "us-general us-video", "us-", false)]
    [InlineData("lease tag a=b ", 14, "kind <KEY=VALUE...>", "", true)]
    [InlineData("who 192.0.2.7:5123 ", 19, "at <TIME>", "", true)]
    [InlineData("nonsense ", 9, "", "", false)]
    [InlineData("down ", 5, "now", "now", true)]
    public void A_line_is_completed(string line, int start, string candidates, string common, bool mayEnd)
    {
        var result = Completion.Of(line, Names);
        Assert.Equal(start, result.Start);
        Assert.Equal(candidates, string.Join(' ', result.Candidates.Select(c => c.IsPlaceholder ? $"<{c.Text}>" : c.Text)));
        Assert.Equal(common, result.CommonPrefix);
        Assert.Equal(mayEnd, result.MayEnd);
    }

    [Fact]
    public void Without_names_the_placeholder_is_shown() =>
        Assert.Equal(["POOL"], Completion.Of("show slices pool ").Candidates.Select(c => c.Text));

    [Fact]
    public void Help_lists_each_word_with_its_meaning() => Assert.Equal(
        [
            "pool    Only slices of one pool",
            "server  Only slices of one server",
            "<enter>  Carry it out",
        ],
        Completion.HelpLines("show slices ").Select(l => l.Replace("pool     ", "pool    ", StringComparison.Ordinal).Replace("server   ", "server  ", StringComparison.Ordinal)));

    [Fact]
    public void Where_nothing_may_stand_help_says_so() => Assert.Equal(["nothing may stand there"], Completion.HelpLines("show nonsense "));

    [Fact]
    public void Every_word_of_every_command_has_help() =>
        Assert.All(CommandTable.All, c =>
        {
            Assert.NotEmpty(c.Help);
            Assert.All(c.Required.Concat(c.Options.SelectMany(o => o.Elements)),
                e => Assert.NotEmpty(e is Choice choice ? choice.Words[0].Help : e.Help));
        });
}
