using SoftUnicast.Tests.Support;

namespace SoftUnicast.BgpSpeaker.Tests.Lab;

/// <summary>A namespace in which every daemon of a test has an address of 10.9.0.0/24.</summary>
internal sealed class BgpLab() : LabNamespace("subgp")
{
    /// <summary>Skips the test, with the reason, where it cannot run.</summary>
    public static async Task<BgpLab> CreateAsync(bool needsBird = false)
    {
        RequireRoot();
        Assert.SkipUnless(File.Exists("/usr/bin/gobgpd"), "needs gobgpd (Debian package gobgpd)");
        Assert.SkipUnless(!needsBird || File.Exists("/usr/sbin/bird"), "needs BIRD (Debian package bird2)");
        var lab = new BgpLab();
        await lab.OpenAsync();
        // On the loopback, a whole prefix is local. (127.0.0.0/8 would do, were it not for peers that refuse it as a next hop.)
        await lab.RunInsideAsync("ip", "address", "add", "10.9.0.1/24", "dev", "lo");
        return lab;
    }
}
