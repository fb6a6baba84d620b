using SoftUnicast.Client.Tests.Support;

namespace SoftUnicast.Client.Tests;

internal static class Program
{
    public static Task<int> Main(string[] args) => args switch
    {
        [InNamespace.Word, var type, var method] => InNamespace.InsideAsync(type, method),
        _ when args.Any(a => a is "--server" or "--internal-msbuild-node") =>
            Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions),
        _ => Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args),
    };
}
