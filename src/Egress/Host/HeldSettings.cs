using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SoftUnicast.Egress.Host;

/// <summary>A setting of the machine that is as we made it.</summary>
/// <param name="Was">What it goes back to; null: it was not there.</param>
/// <param name="Is">What we set.</param>
public sealed record HeldSetting(string Name, string? Was, string Is, string Why);

/// <summary>What was changed on a machine, as it is remembered across restarts.</summary>
/// <param name="Where">The boot and the network namespace that it is true of: both gone, nothing is to be given back.</param>
public sealed record HeldSettings(string Where, ImmutableArray<HeldSetting> Settings)
{
    private const int Version = 1;

    /// <summary>With these changes: what was changed before keeps the value it had at first.</summary>
    public HeldSettings With(IEnumerable<HostChange> changes)
    {
        ArgumentNullException.ThrowIfNull(changes);
        var settings = Settings.ToList();
        foreach (var change in changes)
        {
            var index = settings.FindIndex(s => s.Name == change.Name);
            if (index < 0)
            {
                settings.Add(new HeldSetting(change.Name, change.Was, change.Wanted, change.Why));
            }
            else
            {
                settings[index] = settings[index] with { Is = change.Wanted, Why = change.Why };
            }
        }

        return this with { Settings = [.. settings] };
    }

    public HeldSettings Without(IReadOnlyCollection<string> names) => this with { Settings = [.. Settings.Where(s => !names.Contains(s.Name))] };

    public bool Holds(string name) => Settings.Any(s => s.Name == name);

    public string ToJson() => new JsonObject
    {
        ["version"] = Version,
        ["where"] = Where,
        ["settings"] = new JsonArray([.. Settings.Select(s => new JsonObject { ["name"] = s.Name, ["was"] = s.Was, ["is"] = s.Is, ["why"] = s.Why })]),
    }.ToJsonString() + "\n";

    /// <exception cref="FormatException">It is not what <see cref="ToJson"/> writes.</exception>
    public static HeldSettings FromJson(string json)
    {
        try
        {
            var root = JsonNode.Parse(json)!.AsObject();
            return (int)root["version"]! == Version
                ? new HeldSettings((string)root["where"]!, [.. root["settings"]!.AsArray().Select(s => new HeldSetting(
                    Text(s!, "name"), (string?)s!["was"], Text(s!, "is"), Text(s!, "why")))])
                : throw new FormatException($"version {root["version"]} is not known here");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NullReferenceException or ArgumentNullException)
        {
            throw new FormatException($"it does not parse: {e.Message}");
        }

        static string Text(JsonNode setting, string key) => (string?)setting[key] ?? throw new FormatException($"a setting has no {key}");
    }
}
