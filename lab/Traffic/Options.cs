using System.Globalization;
using System.Net;
using SoftUnicast.Model;

namespace SoftUnicast.Traffic;

internal sealed class UsageException(string message) : Exception(message);

/// <summary>The command line: a command, <c>--name value</c> pairs and at most one target.</summary>
internal sealed class Options
{
    private readonly Dictionary<string, string> values = [];

    public string Command { get; private init; } = "";

    public string? Target { get; private set; }

    public static Options Parse(string[] args)
    {
        if (args.Length == 0)
        {
            throw new UsageException("a command is missing");
        }

        var options = new Options { Command = args[0] };
        for (var i = 1; i < args.Length; i++)
        {
            if (!args[i].StartsWith("--", StringComparison.Ordinal))
            {
                options.Target = options.Target is null ? args[i] : throw new UsageException($"one target only, not also '{args[i]}'");
            }
            else if (i + 1 == args.Length)
            {
                throw new UsageException($"{args[i]} wants a value");
            }
            else
            {
                options.values[args[i][2..]] = args[++i];
            }
        }

        return options;
    }

    /// <summary>Refuses options that the command does not know.</summary>
    public Options Allow(params string[] names)
    {
        var unknown = values.Keys.FirstOrDefault(name => !names.Contains(name));
        return unknown is null ? this : throw new UsageException($"{Command} knows no --{unknown}");
    }

    /// <summary>The option's number, or <paramref name="otherwise"/> where it is not given.</summary>
    public int Number(string name, int otherwise)
    {
        if (!values.TryGetValue(name, out var text))
        {
            return otherwise;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new UsageException($"--{name} wants a number, not '{text}'");
    }

    public string? Text(string name) => values.GetValueOrDefault(name);

    /// <summary>The option's number, which may have a fraction; or <paramref name="otherwise"/>.</summary>
    public double Real(string name, double otherwise)
    {
        if (!values.TryGetValue(name, out var text))
        {
            return otherwise;
        }

        return double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new UsageException($"--{name} wants a number, not '{text}'");
    }

    public IPAddress Address(string name, IPAddress otherwise) => values.ContainsKey(name) ? Address(name) : otherwise;

    public IPAddress Address(string name) => values.TryGetValue(name, out var text) && IPAddress.TryParse(text, out var address)
        ? address
        : throw new UsageException($"--{name} wants an address");

    public PortRange Ports(string name) => values.TryGetValue(name, out var text) && PortRange.TryParse(text, out var ports)
        ? ports
        : throw new UsageException($"--{name} wants FIRST-LAST");

    /// <summary>Ports, divided by commas.</summary>
    public int[] PortList(string name) => values.TryGetValue(name, out var text)
        ? [.. text.Split(',').Select(p => ushort.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port != 0
            ? port : throw new UsageException($"--{name} wants PORT,PORT..., not '{text}'"))]
        : throw new UsageException($"--{name} is missing");

    public IPEndPoint EndPoint(string name) => values.TryGetValue(name, out var text) && IPEndPoint.TryParse(text, out var endPoint) && endPoint.Port != 0
        ? endPoint
        : throw new UsageException($"--{name} wants ADDRESS:PORT");

    public IPEndPoint TargetEndPoint() => Target is not null && IPEndPoint.TryParse(Target, out var endPoint) && endPoint.Port != 0
        ? endPoint
        : throw new UsageException("a target ADDRESS:PORT is missing");
}
