using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Tests.Host;

public sealed class HostFolderSyncTests
{
    [Fact]
    public void A_folder_is_made_durable()
    {
        var folder = Directory.CreateTempSubdirectory("softunicast-sync-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "new"), "");
            new FolderSync().Sync(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void A_folder_that_there_is_not_is_named()
    {
        var refusal = Assert.Throws<SystemCallException>(() => new FolderSync().Sync("/nonexistent/softunicast"));
        Assert.Contains("/nonexistent/softunicast", refusal.Message, StringComparison.Ordinal);
    }
}
