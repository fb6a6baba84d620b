using System.Globalization;

namespace SoftUnicast.Linux.Host;

/// <summary>Looks a user up in the system's databases (getpwnam_r(3)).</summary>
public static class UserId
{
    private const int MaxBufferBytes = 1 << 20;
    private const uint None = uint.MaxValue; // (uid_t)-1, which chown(2) and setreuid(2) take for none

    /// <param name="user">A name, or a user id in decimal digits, which needs no entry in the databases.</param>
    /// <exception cref="SystemCallException">There is no such user, or the databases cannot be read.</exception>
    public static uint Of(string user)
    {
        ArgumentException.ThrowIfNullOrEmpty(user);
        if (IsNumber(user, out var number))
        {
            return number;
        }

        for (var bytes = 1024; ; bytes *= 4)
        {
            var error = Libc.GetUserByName(user, out var entry, new byte[bytes], bytes, out var result);
            if (error == Libc.ERANGE && bytes < MaxBufferBytes)
            {
                continue;
            }

            return error == 0 && result != 0
                ? entry.Uid
                : throw new SystemCallException("getpwnam_r", $"user {user}", error == 0 ? Libc.ENOENT : error, "create it: useradd --system NAME");
        }
    }

    /// <summary>An id of a user or a group in decimal digits.</summary>
    internal static bool IsNumber(string text, out uint number) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number != None;
}
