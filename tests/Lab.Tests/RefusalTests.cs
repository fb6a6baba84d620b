namespace SoftUnicast.Lab.Tests;

/// <summary>What is asked for and cannot be had: exit status and message, word for word, and no program runs.</summary>
public sealed class RefusalTests(LabFixture lab)
{
    private const string Server = "ams-2";

    [Theory]
    [InlineData(1, "there is no pool 'us-generel': did you mean 'us-general'?; the pools are eu-video, us-general; see show pools", "--pool", "us-generel")]
    [InlineData(1, "no pool has a tag 'contry': did you mean 'country'?; the tags are country, product; see show pools", "--tag", "contry=US")]
    [InlineData(1, "no pool has country=DE; there is country NL, US; see show pools", "--tag", "country=DE")]
    [InlineData(1, "no pool has country=US and product=video together; see show pools", "--tag", "country=US", "--tag", "product=video")]
    [InlineData(2, "softunicastc: --tag wants KEY=VALUE, like country=US, not 'US'", "--tag", "US")]
    [InlineData(2, "softunicastc: exec wants to know whose slices: --pool NAME, or --tag KEY=VALUE")]
    public async Task Exec_says_what_is_wrong_and_runs_nothing(int status, string message, params string[] choice)
    {
        lab.Require();
        var refused = await LabFixture.RunAsync(Server, lab.Program("softunicastc"), ["-s", EgressLab.Control(Server), "exec", .. choice, "--", "echo", "ran"]);

        Assert.Equal((status, ""), (refused.ExitStatus, refused.Output));
        Assert.Equal(message, refused.Errors.Split('\n')[0]);
        Assert.DoesNotContain((await lab.ShowAsync(Server, "leases")).GetProperty("leases").EnumerateArray(), l => l.GetProperty("command").GetString() == "echo");
    }

    [Theory]
    [InlineData(1, "there is no pool 'us-generel': did you mean 'us-general'?; the pools are eu-video, us-general; see show pools", "lease pool us-generel")]
    [InlineData(1, "no pool has country=DE; there is country NL, US; see show pools", "lease tag country=DE")]
    [InlineData(1, "there is no lease 1000000; see show leases", "renew 1000000")]
    [InlineData(1, "there is no lease 1000000; see show leases", "release 1000000")]
    [InlineData(1, "cgroup 1000000 is not enrolled; see show leases", "leave 1000000")]
    [InlineData(1, "there is no cgroup 1000000; give the inode number of its folder, and its path below the cgroup2 mount", "enroll 1000000 pool us-general")]
    [InlineData(1, "this server has no slice at 192.0.2.1:80; see show slices", "drain slice 192.0.2.1:80")]
    public async Task A_request_that_cannot_be_met_is_told_why(int status, string message, string request)
    {
        lab.Require();
        var refused = await lab.ControlAsync(Server, request.Split(' '));
        Assert.Equal((status, "", message), (refused.ExitStatus, refused.Output, refused.Errors.TrimEnd('\n')));
    }

    [Theory]
    [InlineData("exec --pool us-general -- echo ran")]
    [InlineData("lease pool us-general")]
    [InlineData("drain server")]
    [InlineData("undrain server")]
    [InlineData("release 1")]
    public async Task The_read_only_socket_gives_nothing_and_takes_nothing(string words)
    {
        lab.Require();
        var refused = await lab.ShowSocketAsync(Server, words.Split(' '));
        Assert.Equal((4, "", "access denied: this socket is read-only; connect to the control socket"), (refused.ExitStatus, refused.Output, refused.Errors.TrimEnd('\n')));
    }

    [Fact]
    public async Task A_lease_whose_slice_is_drained_is_revoked_and_its_holder_told_so()
    {
        lab.Require();
        await using var holder = await LabClient.ConnectAsync(Server);
        var leased = await holder.AskAsync("lease pool us-general kind explicit");
        var (id, slice) = (leased.GetProperty("lease").GetString()!, leased.GetProperty("slices")[0].GetProperty("slice").GetString()!);
        Assert.Equal(id, (await holder.AskAsync($"renew {id}")).GetProperty("lease").GetString());
        var port = slice[..slice.IndexOf('-', StringComparison.Ordinal)];
        try
        {
            (await lab.ControlAsync(Server, "drain", "slice", port)).Succeeded();

            var refused = await holder.AskAsync($"renew {id}");
            Assert.Equal(8011, refused.GetProperty("code").GetInt32());
            Assert.Equal($"lease {id} was revoked: its slices are drained", refused.GetProperty("error").GetString());
            var byHand = await lab.ControlAsync(Server, "renew", id);
            Assert.Equal((1, $"lease {id} was revoked: its slices are drained; close its sockets, and lease again"), (byHand.ExitStatus, byHand.Errors.TrimEnd('\n')));
            var other = await holder.AskAsync("lease pool us-general kind explicit");
            Assert.NotEqual(slice, other.GetProperty("slices")[0].GetProperty("slice").GetString());
            await holder.AskAsync($"release {other.GetProperty("lease").GetString()}");
        }
        finally
        {
            await lab.ControlAsync(Server, "undrain", "slice", port);
        }
    }

    [Fact]
    public async Task A_lease_of_another_process_is_not_given_back_by_a_stranger_but_ends_with_its_process()
    {
        lab.Require();
        string id;
        await using (var program = LabProgram.Start(Server, "python3", EgressLab.Script("lease.py"), EgressLab.Control(Server), "us-general"))
        {
            id = (await program.NextAsync()).GetProperty("lease").GetString()!;
            await LabFixture.UntilAsync("the lease is shown", async () => await IsShownAsync(id), EgressLab.Soon);
            var row = (await lab.ShowAsync(Server, "leases")).GetProperty("leases").EnumerateArray().Single(l => l.GetProperty("id").GetString() == id);
            Assert.Equal((program.Id, "python3", "range"), (row.GetProperty("process_id").GetInt32(), row.GetProperty("command").GetString(), row.GetProperty("use").GetString()));
        }

        await LabFixture.UntilAsync("the lease has ended with its process", async () => !await IsShownAsync(id), EgressLab.Soon);
        await lab.UntilUnusedAsync(Server);
    }

    private async Task<bool> IsShownAsync(string id) =>
        (await lab.ShowAsync(Server, "leases")).GetProperty("leases").EnumerateArray().Any(l => l.GetProperty("kind").GetString() == "lease" && l.GetProperty("id").GetString() == id);
}
