using SoftUnicast.Model;

namespace SoftUnicast.Egress.Tests;

/// <summary>The slices that a cgroup's programs send from, and their form in the kernel.</summary>
public class ChooserPolicyTests
{
    [Fact]
    public void Slices_of_one_address_stand_together()
    {
        var policy = Policy("192.0.2.9:4096-6143", "192.0.2.1:2048-4095", "192.0.2.9:2048-4095");

        Assert.Equal("192.0.2.1:2048-4095 192.0.2.9:2048-4095 192.0.2.9:4096-6143", string.Join(' ', policy.Slices));
    }

    [Fact]
    public void What_the_kernel_holds_is_read_back()
    {
        var policy = new ChooserPolicy(Slices("192.0.2.1:32768-65535", "192.0.2.200:65280-65535"), datagramsAreNated: true);

        var abi = policy.ToAbi();

        Assert.Equal((2u, 1u, (ushort)32768), (abi.Count, abi.Flags, abi.Slices[0].PortCount));
        Assert.Equal([192, 0, 2, 1], BitConverter.GetBytes(abi.Slices[0].AddressBe));
        Assert.Equal(policy, ChooserPolicy.FromAbi(abi));
        Assert.NotEqual(policy, Policy("192.0.2.1:32768-65535", "192.0.2.200:65280-65535"));
    }

    [Theory]
    [InlineData("[2001:db8::1]:2048-4095")]
    [InlineData("192.0.2.1:2048-4000")]
    [InlineData("192.0.2.1:2047-4094")]
    [InlineData("192.0.2.1:0-65535")]
    public void What_is_no_slice_of_an_IPv4_address_is_refused(string slice)
    {
        var refusal = Assert.Throws<ArgumentException>(() => Policy(slice));

        Assert.StartsWith($"{slice} is no slice of an IPv4 address", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_policy_has_up_to_64_slices_and_may_have_none()
    {
        Assert.Equal(Policy(), ChooserPolicy.FromAbi(Policy().ToAbi()));
        Assert.Equal(0u, Policy().ToAbi().Count);
        Assert.Throws<ArgumentException>(() => new ChooserPolicy(Enumerable.Range(1, 65).Select(i => AddressPorts.Parse($"192.0.2.{i}:2048-4095"))));
        Assert.Equal(64, new ChooserPolicy(Enumerable.Range(1, 64).Select(i => AddressPorts.Parse($"192.0.2.{i}:2048-4095"))).Slices.Length);
    }

    private static ChooserPolicy Policy(params string[] slices) => new(Slices(slices));

    private static IEnumerable<AddressPorts> Slices(params string[] slices) => slices.Select(slice => AddressPorts.Parse(slice));
}
