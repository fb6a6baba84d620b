using System.Collections.Immutable;
using SoftUnicast.Config;
using SoftUnicast.Naming;

namespace SoftUnicast.Cli.Offline;

/// <summary><c>naming</c>: what dnsdist or PowerDNS is configured with, for the places that softunicast.yaml names.</summary>
internal static class NamingCommand
{
    private const string Dnsdist = "dnsdist-config";
    private const string Pdns = "pdns-config";
    private static readonly OptionSpec ZoneBackendOption = new("zone-backend", null, "NAME", "With pdns-config: the backend that holds the zones; default bind");
    public static readonly ImmutableArray<OptionSpec> All = [ZoneBackendOption, CliOptions.HelpOption];

    /// <param name="arguments">Without the word <c>naming</c>.</param>
    public static int Run(IReadOnlyList<string> arguments, Output console)
    {
        var options = Options.Parse(arguments, All);
        if (options.Has(CliOptions.HelpOption))
        {
            console.Lines(
            [
                $"softunicastc naming {Dnsdist} [FILE]: the rule that dnsdist includes; FILE is softunicast.yaml, default {ServerYaml.DefaultPath}",
                $"softunicastc naming {Pdns} [FILE] [OPTIONS]: what PowerDNS is given beside the backend of its zones",
                "",
                .. Program.OptionLines(All),
            ]);
            return ExitStatus.Done;
        }

        if (options.Words is not [Dnsdist or Pdns, ..] || options.Words.Length > 2)
        {
            throw new UsageException($"naming wants {Dnsdist} or {Pdns}, and a file: softunicastc naming {Dnsdist} [FILE]");
        }

        var isPdns = options.Words[0] == Pdns;
        if (options.Has(ZoneBackendOption) && !isPdns)
        {
            throw new UsageException($"--zone-backend is for {Pdns}");
        }

        var backend = options.Value(ZoneBackendOption) ?? "bind";
        if (backend.Length == 0 || !backend.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or ':'))
        {
            throw new UsageException($"--zone-backend wants the name of a backend of PowerDNS, like bind or gsqlite3, not '{backend}'");
        }

        var file = options.Words.Length > 1 ? options.Words[1] : ServerYaml.DefaultPath;
        var content = Files.Read(file);
        if (content.Error is { } error)
        {
            console.Complain($"{file} cannot be read: {error}");
            return ExitStatus.RunTime;
        }

        var read = ServerYaml.Read(file, content.Bytes.Span);
        if (read.Value is not { } server || read.HasErrors)
        {
            console.Error.Write(DiagnosticText.Render(read.Diagnostics));
            console.Complain($"{file}: {DiagnosticText.Summary(read.Diagnostics)}");
            return ExitStatus.Usage;
        }

        if (server.Naming is not { } naming)
        {
            console.Complain($"{file} has no section 'naming': no name is answered on this server; add naming: {{}} to it (docs/naming.md)");
            return ExitStatus.Usage;
        }

        if (isPdns && naming.PdnsSocketPath is null)
        {
            console.Complain($"{file} has no key 'pdns' in its section 'naming': PowerDNS has no socket to ask at; add pdns: /run/softunicast/pdns.sock");
            return ExitStatus.Usage;
        }

        console.Data.Write(isPdns ? PdnsConfig.Generate(naming.PdnsSocketPath!, backend) : DnsdistConfig.Generate(DnsdistFiles.In(naming.DnsdistFolder)));
        console.Data.Flush();
        return ExitStatus.Done;
    }
}
