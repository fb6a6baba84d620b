namespace SoftUnicast.Linux.Host;

/// <summary>Looks a group up in the system's databases (getgrnam_r(3)).</summary>
public static class GroupId
{
    private const int MaxBufferBytes = 1 << 20; // a group's members are listed in it

    /// <param name="group">A name, or a group id in decimal digits, which needs no entry in the databases.</param>
    /// <exception cref="SystemCallException">There is no such group, or the databases cannot be read.</exception>
    public static uint Of(string group)
    {
        ArgumentException.ThrowIfNullOrEmpty(group);
        if (UserId.IsNumber(group, out var number))
        {
            return number;
        }

        for (var bytes = 1024; ; bytes *= 4)
        {
            var error = Libc.GetGroupByName(group, out var entry, new byte[bytes], bytes, out var result);
            if (error == Libc.ERANGE && bytes < MaxBufferBytes)
            {
                continue;
            }

            return error == 0 && result != 0
                ? entry.Gid
                : throw new SystemCallException("getgrnam_r", $"group {group}", error == 0 ? Libc.ENOENT : error, "create it: groupadd --system NAME");
        }
    }
}
