using SoftUnicast.Config;
using SoftUnicast.Control;
using SoftUnicast.Daemon.Dispatch;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.Tests.Dispatch;

public class LabelRulesTests
{
    private static readonly Label Www = Label.Parse("www");

    [Fact]
    public void Users_and_groups_are_let_in_by_name_and_by_number()
    {
        var rules = LabelRules.Of([new LabelRights(Www, ["daemon", "4242"], ["adm", "4343"])]);

        Assert.Empty(rules.Problems);
        Assert.Null(rules.Refusal(Www, new ControlPeer(1, 1, 9999)));
        Assert.Null(rules.Refusal(Www, new ControlPeer(1, 4242, 9999)));
        Assert.Null(rules.Refusal(Www, new ControlPeer(1, 7777, 4)));
        Assert.Null(rules.Refusal(Www, new ControlPeer(1, 7777, 9999) { Groups = [9999, 4343] }));
        Assert.Equal(["user daemon", "user 4242", "group adm", "group 4343"], rules.Names(Www));
    }

    [Fact]
    public void Everybody_else_is_refused_root_too()
    {
        var rules = LabelRules.Of([new LabelRights(Www, ["daemon"], [])]);

        Assert.Equal("user 0 may not register for label www", rules.Refusal(Www, new ControlPeer(1, 0, 0)));
        Assert.Equal("nobody may register for label api: the configuration has no rule for it", rules.Refusal(Label.Parse("api"), new ControlPeer(1, 1, 1)));
    }

    [Fact]
    public void A_user_or_group_that_there_is_not_is_named_and_lets_nobody_in()
    {
        var rules = LabelRules.Of([new LabelRights(Www, ["no-such-user", "daemon"], ["no-such-group"])]);

        Assert.Equal(
            [
                "label www: getpwnam_r user no-such-user: ENOENT (No such file or directory): create it: useradd --system NAME",
                "label www: getgrnam_r group no-such-group: ENOENT (No such file or directory): create it: groupadd --system NAME",
            ],
            rules.Problems);
        Assert.Null(rules.Refusal(Www, new ControlPeer(1, 1, 9999)));
        Assert.NotNull(rules.Refusal(Www, new ControlPeer(1, 2, 9999)));
    }
}
