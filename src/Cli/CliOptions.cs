using System.Collections.Immutable;
using System.Globalization;
using SoftUnicast.Config;

namespace SoftUnicast.Cli;

/// <summary>The options that every command knows, read.</summary>
internal sealed record CliOptions(string Socket, bool Numbered, bool Json, TimeSpan? Patience, string Pins, string Log)
{
    public static readonly OptionSpec SocketOption = new("socket", 's', "SOCKET", $"The daemon's socket; default {ServerYaml.DefaultControlSocket}");
    public static readonly OptionSpec ReadOnlyOption = new("read-only", 'r', null, $"Use the read-only socket, {ServerYaml.DefaultShowSocket}");
    public static readonly OptionSpec NumberedOption = new("verbose", 'v', null, "Print replies with their numbers");
    public static readonly OptionSpec JsonOption = new("json", null, null, "Print JSON, one object a reply");
    public static readonly OptionSpec TimeoutOption = new("timeout", null, "SECONDS", "Longest wait for the daemon's next line; default 10, for verbs 600");
    public static readonly OptionSpec PinsOption = new("pins", null, "DIR", $"Where the packet path is pinned; default {ServerYaml.DefaultPins}");
    public static readonly OptionSpec LogOption = new("log", null, "DIR", $"The attribution log that who reads when the daemon is down; default {ServerYaml.DefaultAttribution}");
    public static readonly OptionSpec HelpOption = new("help", 'h', null, "This");
    public static readonly OptionSpec VersionOption = new("version", null, null, "The version");

    public static ImmutableArray<OptionSpec> All { get; } =
        [SocketOption, ReadOnlyOption, NumberedOption, JsonOption, TimeoutOption, PinsOption, LogOption, HelpOption, VersionOption];

    /// <summary>No option named a socket.</summary>
    public bool IsDefaultSocket { get; private init; }

    /// <summary>Longest wait for a line of the reply.</summary>
    public TimeSpan PatienceFor(bool verb) => Patience ?? TimeSpan.FromSeconds(verb ? 600 : 10);

    /// <exception cref="UsageException">A value is wrong, or options contradict each other.</exception>
    public static CliOptions From(Options options)
    {
        var socket = options.Value(SocketOption);
        if (socket is not null && options.Has(ReadOnlyOption))
        {
            throw new UsageException("-s names a socket and -r another: give one of them");
        }

        TimeSpan? patience = null;
        if (options.Value(TimeoutOption) is { } text)
        {
            patience = double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds is > 0 and <= 86400
                ? TimeSpan.FromSeconds(seconds)
                : throw new UsageException($"--timeout wants seconds, more than 0 and at most 86400, not '{text}'");
        }

        return new CliOptions(
            socket ?? (options.Has(ReadOnlyOption) ? ServerYaml.DefaultShowSocket : ServerYaml.DefaultControlSocket),
            options.Has(NumberedOption),
            options.Has(JsonOption),
            patience,
            options.Value(PinsOption) ?? ServerYaml.DefaultPins,
            options.Value(LogOption) ?? ServerYaml.DefaultAttribution)
        {
            IsDefaultSocket = socket is null && !options.Has(ReadOnlyOption),
        };
    }
}
