using SoftUnicast.Client.Tests.Support;

namespace SoftUnicast.Client.Tests;

/// <summary>The recipes of docs/recipes.md, built and run as they stand there: origin and daemon see what they should.</summary>
public sealed class RecipeTests
{
    [Fact]
    public Task The_recipe_in_C_connects_from_the_slice() => InNamespace.RunAsync(async () =>
    {
        using var folder = new Folder();
        InNamespace.Run(Compiler(), "-Wall", "-Wextra", "-Werror", "-o", folder.File("recipe"), Recipe("recipe.c"));
        await ServesAsync(folder.File("recipe"));
    });

    [Fact]
    public Task The_recipe_in_Go_connects_from_the_slice() => InNamespace.RunAsync(async () =>
    {
        using var folder = new Folder();
        InNamespace.Run("env", "GO111MODULE=off", "CGO_ENABLED=0", $"GOCACHE={folder.File("cache")}", "go", "build", "-o", folder.File("recipe"), Recipe("recipe.go"));
        await ServesAsync(folder.File("recipe"));
    });

    [Fact]
    public Task The_recipe_in_Python_connects_from_the_slice() => InNamespace.RunAsync(() => ServesAsync("python3", Recipe("recipe.py")));

    [Fact]
    public async Task The_page_names_every_recipe()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "recipes.md"), TestContext.Current.CancellationToken);
        Assert.All(Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "recipes")), file =>
            Assert.Contains($"(recipes/{Path.GetFileName(file)})", page, StringComparison.Ordinal));
    }

    /// <summary>What every recipe does, whatever its language.</summary>
    private static async Task ServesAsync(params string[] program)
    {
        var handler = new LeasingHandler("192.0.2.7:4096-4096", "192.0.2.8:8192-10239");
        await using var daemon = new TestDaemon(handler);
        using var origin = new Origin("203.0.113.9", 443);

        // The first slice has one port: the second connection finds it in use and moves on to the next slice.
        using var taker = SliceConnector.CreateTcpSocket(Model.AddressPorts.Parse("192.0.2.7:4096-4096"));
        await taker.ConnectAsync(origin.EndPoint, CancellationToken.None);
        var printed = InNamespace.Run(program[0], [.. program[1..], daemon.SocketPath, "us-general", "203.0.113.9", "443"]).Trim();
        Assert.StartsWith("192.0.2.8:", printed, StringComparison.Ordinal);
        Assert.InRange(int.Parse(printed.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture), 8192, 10239);
        await origin.SeesAsync(printed);

        var refused = Assert.Throws<InvalidOperationException>(() =>
            InNamespace.Run(program[0], [.. program[1..], daemon.SocketPath, "us-nothing", "203.0.113.9", "443"]));
        Assert.Contains("us-nothing: no pool is named 'us-nothing'; show pools lists the pools", refused.Message, StringComparison.Ordinal);

        await InNamespace.SetPortRangeAsync("32768 60999");
        var ignored = Assert.Throws<InvalidOperationException>(() =>
            InNamespace.Run(program[0], [.. program[1..], daemon.SocketPath, "us-general", "203.0.113.9", "443"]));
        Assert.Contains("is outside the slice: see net.ipv4.ip_local_port_range", ignored.Message, StringComparison.Ordinal);
    }

    // Any clang from 14 on, as for BPF; or whatever the system calls its C compiler.
    private static string Compiler() => InNamespace.Run("bash", "-c", "compgen -c clang | grep -E '^clang(-[0-9]+)?$' | sort -V | tail -1").Trim() is { Length: > 0 } clang ? clang : "cc";

    private static string Recipe(string name) => Path.Combine(AppContext.BaseDirectory, "recipes", name);

    private sealed class Folder : IDisposable
    {
        private readonly string path = Directory.CreateTempSubdirectory("softunicast-recipe-").FullName;

        public string File(string name) => Path.Combine(path, name);

        public void Dispose() => Directory.Delete(path, recursive: true);
    }
}
