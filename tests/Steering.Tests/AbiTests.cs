using System.Runtime.CompilerServices;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Steering.Tests;

public class AbiTests
{
    [Fact]
    public void Structs_have_the_sizes_that_abi_h_asserts()
    {
        Assert.Equal(8, Unsafe.SizeOf<SuPrefix>());
        Assert.Equal(64, Unsafe.SizeOf<SuEndpoint>());
        Assert.Equal(8, Unsafe.SizeOf<SuInterface>());
        Assert.Equal(16, Unsafe.SizeOf<SuLocal>());
        Assert.Equal(72, Unsafe.SizeOf<SuSettings>());
        Assert.Equal(16, Unsafe.SizeOf<SuCounter>());
    }

    [Fact]
    public void There_are_as_many_reasons_as_counters() => Assert.Equal(AbiLimits.Reasons, Enum.GetValues<Reason>().Length);
}
