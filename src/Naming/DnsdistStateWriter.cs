using System.Buffers.Binary;
using System.Text;

namespace SoftUnicast.Naming;

/// <summary>
/// Hands the policies to dnsdist: writes the state aside, renames it, then changes the number that dnsdist looks at with each
/// query. dnsdist never sees half a file, and answers its next query by the new one.
/// </summary>
public sealed class DnsdistStateWriter(DnsdistFiles files)
{
    /// <returns>The number that dnsdist finds now.</returns>
    /// <exception cref="IOException">A file could not be written; the former state stays in force.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    public uint Write(NamingTable table) => Write(DnsdistConfig.State(table));

    internal uint Write(string state)
    {
        Replace(files.StatePath, Encoding.UTF8.GetBytes(state));
        Span<byte> number = stackalloc byte[4];
        if (!File.Exists(files.GenerationPath))
        {
            // dnsdist may map it as soon as it is there, so it is never there without its bytes. In a folder made
            // anew it must differ from what dnsdist loaded before: a draw does, a count from 1 or a coarse clock might not.
            var first = (uint)Random.Shared.NextInt64(1L << 32);
            BinaryPrimitives.WriteUInt32LittleEndian(number, first);
            Replace(files.GenerationPath, number);
            return first;
        }

        // In place, for dnsdist has this file mapped and would not notice another.
        using var generation = new FileStream(files.GenerationPath, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        generation.ReadAtLeast(number, 4, throwOnEndOfStream: false);
        var next = BinaryPrimitives.ReadUInt32LittleEndian(number) + 1;
        BinaryPrimitives.WriteUInt32LittleEndian(number, next);
        generation.Position = 0;
        generation.Write(number);
        return next;
    }

    private static void Replace(string path, ReadOnlySpan<byte> content)
    {
        // dnsdist runs as another user: nothing here is secret, and only the daemon writes.
        const UnixFileMode everyoneReads = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        var aside = path + ".new";
        File.Delete(aside);
        using (var file = new FileStream(aside, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = everyoneReads }))
        {
            file.Write(content);

            // Whatever the umask took away: a service's is often 0027.
            File.SetUnixFileMode(file.SafeFileHandle, everyoneReads);
        }

        File.Move(aside, path, overwrite: true);
    }
}
