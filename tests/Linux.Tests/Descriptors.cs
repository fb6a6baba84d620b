namespace SoftUnicast.Linux.Tests;

/// <summary>
/// Tests that need the descriptors of the whole process to themselves: they run alone. Until it runs its program, a child has
/// copies of all descriptors, so that a socket or a lock that one test gives up is still there for the kernel while another
/// test starts a child. And a test that takes all sockets of the process holds those of the others.
/// </summary>
[CollectionDefinition(Descriptors.Name, DisableParallelization = true)]
public sealed class Descriptors
{
    public const string Name = "descriptors";
}
