using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using SoftUnicast.Egress.Life;
using SoftUnicast.Egress.SharingOut;
using SoftUnicast.Model;

namespace SoftUnicast.Egress.Attribution;

/// <summary>The fields of one object of a line, read in one pass; what this version does not know is left out.</summary>
internal sealed class LogFields
{
    private static readonly string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    public long? Seq { get; private set; }

    public DateTimeOffset? Time { get; private set; }

    public string? Boot { get; private set; }

    public long? SinceBootMs { get; private set; }

    public string? Event { get; private set; }

    public string? Server { get; private set; }

    public string? Prev { get; private set; }

    public DateTimeOffset? From { get; private set; }

    public string? Reason { get; private set; }

    public string? Cut { get; private set; }

    public string? Broken { get; private set; }

    public string? Former { get; private set; }

    public string? Next { get; private set; }

    public long? NextLease { get; private set; }

    public List<LogFields>? SliceObjects { get; private set; }

    public List<LogFields>? LeaseObjects { get; private set; }

    private IpAddress? Address { get; set; }

    private PortRange? Ports { get; set; }

    private string? Pool { get; set; }

    private SlicePhase? Phase { get; set; }

    private SliceUse? Use { get; set; }

    private bool? Granted { get; set; }

    private bool? Drain { get; set; }

    private bool? WaitsOut { get; set; }

    private DateTimeOffset? Since { get; set; }

    private string? SinceBoot { get; set; }

    private long? PhaseSinceBootMs { get; set; }

    private long? Lease { get; set; }

    private int? ProcessId { get; set; }

    private ulong? ProcessStart { get; set; }

    private uint? Uid { get; set; }

    private string? Command { get; set; }

    private string? Cgroup { get; set; }

    private ulong? CgroupId { get; set; }

    private DateTimeOffset? Taken { get; set; }

    private ImmutableArray<string>? Pools { get; set; }

    private ImmutableArray<AddressPorts>? Slices { get; set; }

    /// <param name="json">Stands at the object's beginning, and then at its end.</param>
    public static LogFields Read(ref Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.StartObject)
        {
            throw new FormatException("not an object");
        }

        var fields = new LogFields();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var name = json.ValueSpan;
            json.Read();
            fields.Take(name, ref json);
        }

        return fields;
    }

    /// <exception cref="FormatException">The record lacks it.</exception>
    public static T Given<T>(T? value)
        where T : struct => value ?? throw new FormatException("a field is missing");

    public static T Given<T>(T? value)
        where T : class => value ?? throw new FormatException("a field is missing");

    public SliceState ToSlice() => new(new AddressPorts(Given(Address), Given(Ports)), Given(Pool))
    {
        Phase = Given(Phase),
        Use = Given(Use),
        Granted = Given(Granted),
        DrainAsked = Given(Drain),
        WaitsOut = Given(WaitsOut),
        Since = Since is { } since ? new Clock(since, TimeSpan.FromMilliseconds(Given(PhaseSinceBootMs)), Given(SinceBoot)) : null,
    };

    public Lease ToLease() => new(
        Given(Lease),
        new Holder(new ProcessName(Given(ProcessId), Given(ProcessStart)), Given(Uid), Given(Command), Cgroup, CgroupId ?? 0),
        Given(Pools),
        SliceObjects is { Count: 0 } ? [] : Given(Slices),
        Given(Use),
        Given(Taken));

    private void Take(ReadOnlySpan<byte> name, ref Utf8JsonReader json)
    {
        switch (name)
        {
            case var _ when name.SequenceEqual("seq"u8): Seq = json.GetInt64(); break;
            case var _ when name.SequenceEqual("time"u8): Time = ReadTime(ref json); break;
            case var _ when name.SequenceEqual("boot"u8): Boot = json.GetString(); break;
            case var _ when name.SequenceEqual("since_boot_ms"u8): SinceBootMs = json.GetInt64(); break;
            case var _ when name.SequenceEqual("event"u8): Event = json.GetString(); break;
            case var _ when name.SequenceEqual("server"u8): Server = json.GetString(); break;
            case var _ when name.SequenceEqual("prev"u8): Prev = json.GetString(); break;
            case var _ when name.SequenceEqual("address"u8): Address = IpAddress.Parse(json.GetString()); break;
            case var _ when name.SequenceEqual("ports"u8): Ports = PortRange.Parse(json.GetString()); break;
            case var _ when name.SequenceEqual("pool"u8): Pool = json.GetString(); break;
            case var _ when name.SequenceEqual("phase"u8): Phase = ReadPhase(ref json); break;
            case var _ when name.SequenceEqual("use"u8): Use = ReadUse(ref json); break;
            case var _ when name.SequenceEqual("granted"u8): Granted = json.GetBoolean(); break;
            case var _ when name.SequenceEqual("drain"u8): Drain = json.GetBoolean(); break;
            case var _ when name.SequenceEqual("waits_out"u8): WaitsOut = json.GetBoolean(); break;
            case var _ when name.SequenceEqual("since"u8): Since = ReadTime(ref json); break;
            case var _ when name.SequenceEqual("since_boot"u8): SinceBoot = json.GetString(); break;
            case var _ when name.SequenceEqual("phase_since_boot_ms"u8): PhaseSinceBootMs = json.GetInt64(); break;
            case var _ when name.SequenceEqual("lease"u8): Lease = json.GetInt64(); break;
            case var _ when name.SequenceEqual("pid"u8): ProcessId = json.GetInt32(); break;
            case var _ when name.SequenceEqual("start"u8): ProcessStart = json.GetUInt64(); break;
            case var _ when name.SequenceEqual("uid"u8): Uid = json.GetUInt32(); break;
            case var _ when name.SequenceEqual("command"u8): Command = json.GetString(); break;
            case var _ when name.SequenceEqual("cgroup"u8): Cgroup = json.GetString(); break;
            case var _ when name.SequenceEqual("cgroup_id"u8): CgroupId = json.GetUInt64(); break;
            case var _ when name.SequenceEqual("taken"u8): Taken = ReadTime(ref json); break;
            case var _ when name.SequenceEqual("pools"u8): Pools = ReadTexts(ref json).ToImmutableArray(); break;
            case var _ when name.SequenceEqual("slices"u8): ReadSlices(ref json); break;
            case var _ when name.SequenceEqual("leases"u8): LeaseObjects = ReadObjects(ref json); break;
            case var _ when name.SequenceEqual("next_lease"u8): NextLease = json.GetInt64(); break;
            case var _ when name.SequenceEqual("from"u8): From = ReadTime(ref json); break;
            case var _ when name.SequenceEqual("reason"u8): Reason = json.GetString(); break;
            case var _ when name.SequenceEqual("cut"u8): Cut = json.GetString(); break;
            case var _ when name.SequenceEqual("broken"u8): Broken = json.GetString(); break;
            case var _ when name.SequenceEqual("former"u8): Former = json.GetString(); break;
            case var _ when name.SequenceEqual("next"u8): Next = json.GetString(); break;
            default: json.Skip(); break;
        }
    }

    /// <summary>Of a lease they are texts, of a snapshot objects.</summary>
    private void ReadSlices(ref Utf8JsonReader json)
    {
        var ahead = json;
        if (ahead.Read() && ahead.TokenType == JsonTokenType.String)
        {
            Slices = [.. ReadTexts(ref json).Select(s => AddressPorts.Parse(s))];
        }
        else
        {
            SliceObjects = ReadObjects(ref json);
        }
    }

    private static List<string> ReadTexts(ref Utf8JsonReader json)
    {
        var texts = new List<string>();
        Expect(json.TokenType == JsonTokenType.StartArray);
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            texts.Add(Given(json.GetString()));
        }

        return texts;
    }

    private static List<LogFields> ReadObjects(ref Utf8JsonReader json)
    {
        var objects = new List<LogFields>();
        Expect(json.TokenType == JsonTokenType.StartArray);
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            objects.Add(Read(ref json));
        }

        return objects;
    }

    private static DateTimeOffset ReadTime(ref Utf8JsonReader json) => DateTimeOffset.ParseExact(
        Given(json.GetString()), TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);

    private static SlicePhase ReadPhase(ref Utf8JsonReader json) => json.GetString() switch
    {
        SliceRecords.Free => SlicePhase.Free,
        SliceRecords.Owned => SlicePhase.Owned,
        SliceRecords.Draining => SlicePhase.Draining,
        SliceRecords.Quarantined => SlicePhase.Quarantined,
        _ => throw new FormatException("no phase"),
    };

    private static SliceUse ReadUse(ref Utf8JsonReader json)
    {
        for (var use = SliceUse.None; use <= SliceUse.Nat; use++)
        {
            if (json.ValueTextEquals(Sharing.Name(use)))
            {
                return use;
            }
        }

        throw new FormatException("no use");
    }

    private static void Expect(bool holds)
    {
        if (!holds)
        {
            throw new FormatException("not a list");
        }
    }
}
