using System.Text;
using SoftUnicast.Config;

namespace SoftUnicast.Cli.Offline;

/// <summary>Reads files whole, and replaces them in one step.</summary>
internal static class Files
{
    /// <summary>The bytes, or the system's reason.</summary>
    public static FileContent Read(string path)
    {
        try
        {
            return new FileContent(File.ReadAllBytes(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new FileContent(e switch
            {
                FileNotFoundException or DirectoryNotFoundException => "no such file",
                UnauthorizedAccessException when Directory.Exists(path) => "it is a folder",
                UnauthorizedAccessException => "permission denied",
                _ => e.Message,
            });
        }
    }

    /// <summary>Puts a new file in place of an old one, or of none: who reads sees the old or the new one, never a part.</summary>
    /// <param name="path">A symbolic link stays; what it points to is replaced.</param>
    public static void Replace(string path, string text)
    {
        var target = Final(path);
        var beside = $"{target}.{Guid.NewGuid():n}.new";
        try
        {
            using (var stream = new FileStream(beside, FileMode.CreateNew, FileAccess.Write))
            {
                if (File.Exists(target))
                {
                    File.SetUnixFileMode(beside, File.GetUnixFileMode(target));
                }

                stream.Write(Encoding.UTF8.GetBytes(text));
                stream.Flush(flushToDisk: true);
            }

            File.Move(beside, target, overwrite: true);
        }
        finally
        {
            File.Delete(beside);
        }
    }

    /// <summary>True if both names lead to one file.</summary>
    public static bool AreSame(string left, string right) => Final(left) == Final(right);

    private static string Final(string path) =>
        (File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName : null) ?? Path.GetFullPath(path);
}
