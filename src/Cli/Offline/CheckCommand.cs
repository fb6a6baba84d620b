using System.Collections.Immutable;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using SoftUnicast.Config;
using SoftUnicast.Model;

namespace SoftUnicast.Cli.Offline;

/// <summary><c>check</c>: every error of configuration files at once.</summary>
internal static class CheckCommand
{
    private static readonly OptionSpec FleetOption = new("fleet", null, "FILE", "The fleet that an assignment or naming file is held to");
    private static readonly OptionSpec JsonOption = new("json", null, null, "Print JSON");
    public static readonly ImmutableArray<OptionSpec> All = [FleetOption, JsonOption, CliOptions.HelpOption];

    public static int Run(string[] args, Output console)
    {
        var options = Options.Parse(args, All);
        if (options.Has(CliOptions.HelpOption))
        {
            console.Lines([$"softunicastc check [OPTIONS] [FILE ...]: softunicast.yaml with the files that it names, or a fleet, assignment or naming file; default {ServerYaml.DefaultPath}", "",
                .. Program.OptionLines(All)]);
            return ExitStatus.Done;
        }

        var files = options.Words.Length > 1 ? options.Words.Skip(1).ToArray() : [ServerYaml.DefaultPath];
        var diagnostics = ImmutableArray.CreateBuilder<Diagnostic>();
        var isUnreadable = false;
        Fleet? fleet = null;
        if (options.Value(FleetOption) is { } fleetPath)
        {
            fleet = Read(fleetPath, FleetYaml.Read, diagnostics, ref isUnreadable);
        }

        foreach (var file in files)
        {
            Check(file, fleet, diagnostics, ref isUnreadable);
        }

        if (options.Has(JsonOption))
        {
            console.Lines([Json(diagnostics)]);
        }
        else
        {
            console.Error.Write(DiagnosticText.Render(diagnostics));
            console.Lines([$"{string.Join(", ", files)}: {DiagnosticText.Summary(diagnostics)}"]);
        }

        return isUnreadable ? ExitStatus.RunTime : diagnostics.Any(d => d.Severity == Severity.Error) ? ExitStatus.Usage : ExitStatus.Done;
    }

    private delegate ConfigResult<T> Reader<T>(string fileName, ReadOnlySpan<byte> utf8)
        where T : class;

    private static void Check(string file, Fleet? fleet, ImmutableArray<Diagnostic>.Builder diagnostics, ref bool isUnreadable)
    {
        var content = Files.Read(file);
        switch (content.Error is null ? KindOf(content.Bytes.Span) : FileKind.Unreadable)
        {
            case FileKind.Fleet:
                diagnostics.AddRange(FleetYaml.Read(file, content.Bytes.Span).Diagnostics);
                break;
            case FileKind.Assignment:
                diagnostics.AddRange(AssignmentYaml.Read(file, content.Bytes.Span, fleet).Diagnostics);
                break;
            case FileKind.Naming:
                diagnostics.AddRange(NamingYaml.Read(file, content.Bytes.Span, fleet).Diagnostics);
                break;
            case FileKind.Server:
                diagnostics.AddRange(ConfigCheck.Load(file, Files.Read).Diagnostics);
                break;
            default:
                isUnreadable = true;
                diagnostics.Add(new Diagnostic(Severity.Error, file, 0, 0, 0, $"cannot be read: {content.Error}"));
                break;
        }
    }

    private static T? Read<T>(string file, Reader<T> read, ImmutableArray<Diagnostic>.Builder diagnostics, ref bool isUnreadable)
        where T : class
    {
        var content = Files.Read(file);
        if (content.Error is { } error)
        {
            isUnreadable = true;
            diagnostics.Add(new Diagnostic(Severity.Error, file, 0, 0, 0, $"cannot be read: {error}"));
            return null;
        }

        var result = read(file, content.Bytes.Span);
        diagnostics.AddRange(result.Diagnostics);
        return result.Value;
    }

    private enum FileKind
    {
        Server,
        Fleet,
        Assignment,
        Naming,
        Unreadable,
    }

    /// <summary>
    /// Told by the keys that stand at the start of a line: only softunicast.yaml has 'server', only a fleet file 'servers' and
    /// 'datacenters', only a naming file 'policies'. Others know 'fleet' or 'assignment', but only there something follows on the line.
    /// </summary>
    private static FileKind KindOf(ReadOnlySpan<byte> bytes)
    {
        var lines = Encoding.UTF8.GetString(bytes[..Math.Min(bytes.Length, 1 << 20)]).Split('\n').Select(l => l.TrimEnd()).ToArray();
        bool Has(string key) => lines.Any(l => l.StartsWith(key + ":", StringComparison.Ordinal));
        bool Opens(string key) => lines.Any(l => l == key + ":" || l.StartsWith(key + ": {", StringComparison.Ordinal) || l.StartsWith(key + ": #", StringComparison.Ordinal));
        return Has("server") || Has("interfaces") || Has("gobgpd") ? FileKind.Server
            : Has("servers") || Has("datacenters") || Opens("fleet") ? FileKind.Fleet
            : Opens("assignment") ? FileKind.Assignment
            : Has("policies") ? FileKind.Naming
            : FileKind.Server;
    }

    private static string Json(IReadOnlyCollection<Diagnostic> diagnostics)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteNumber("errors", diagnostics.Count(d => d.Severity == Severity.Error));
            json.WriteNumber("warnings", diagnostics.Count(d => d.Severity == Severity.Warning));
            json.WriteStartArray("diagnostics");
            foreach (var diagnostic in diagnostics)
            {
                json.WriteStartObject();
                json.WriteString("severity", diagnostic.Severity == Severity.Error ? "error" : "warning");
                json.WriteString("file", diagnostic.File);
                json.WriteNumber("line", diagnostic.Line);
                json.WriteNumber("column", diagnostic.Column);
                json.WriteNumber("length", diagnostic.Length);
                json.WriteString("message", diagnostic.Message);
                json.WriteString("hint", diagnostic.Hint);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
