using System.Diagnostics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;
using SoftUnicast.Dispatch.Abi;
using SoftUnicast.Egress.Abi;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Structure.Tests;

/// <summary>
/// The C# mirror of bpf/abi.h, held to what the BPF compiler says of the header (BTF), both ways: every struct field and
/// every enum member that one side has, the other has too, with the same place, size and value.
/// </summary>
public class AbiTests
{
    private static readonly Lazy<IReadOnlyList<JsonElement>> Btf = new(ReadBtf);

    public static TheoryData<string, Type> Structs => new()
    {
        { "su_prefix", typeof(SuPrefix) },
        { "su_endpoint", typeof(SuEndpoint) },
        { "su_interface", typeof(SuInterface) },
        { "su_local", typeof(SuLocal) },
        { "su_settings", typeof(SuSettings) },
        { "su_counter", typeof(SuCounter) },
        { "su_guard_event", typeof(SuGuardEvent) },
        { "su_chooser_slice", typeof(SuChooserSlice) },
        { "su_chooser", typeof(SuChooser) },
        { "su_choice_counters", typeof(SuChoiceCounters) },
        { "su_dispatch_class", typeof(SuDispatchClass) },
        { "su_dispatch_v4", typeof(SuDispatchV4) },
        { "su_dispatch_v6", typeof(SuDispatchV6) },
        { "su_binding", typeof(SuBinding) },
        { "su_target", typeof(SuTarget) },
        { "su_dispatch_counter", typeof(SuDispatchCounter) },
        { "su_dispatch_counters", typeof(SuDispatchCounters) },
        { "su_dispatch_address", typeof(SuDispatchAddress) },
    };

    public static TheoryData<string, string, Type> Enums => new()
    {
        { "su_prefix_kind", "SU_PREFIX_", typeof(PrefixKind) },
        { "su_rank", "SU_RANK_", typeof(Rank) },
        { "su_encapsulation", "SU_ENCAP_", typeof(EncapsulationCode) },
        { "su_verdict", "SU_", typeof(Verdict) },
        { "su_reason", "SU_", typeof(Reason) },
        { "su_guard_reason", "SU_GUARD_", typeof(GuardReason) },
        { "su_choice", "SU_CHOICE_", typeof(Choice) },
    };

    [Theory]
    [MemberData(nameof(Structs))]
    public void A_struct_has_the_same_fields_at_the_same_places(string name, Type mirror)
    {
        var type = Btf.Value.Single(t => Kind(t) == "STRUCT" && Name(t) == name);
        var expected = type.GetProperty("members").EnumerateArray()
            .Select(m => (Pascal(Name(m)), m.GetProperty("bits_offset").GetInt32() / 8, SizeOf(Type(m.GetProperty("type_id").GetInt32()))));

        Assert.Equal(expected, Layout(mirror));
        Assert.Equal(type.GetProperty("size").GetInt32(), (int)Call(nameof(Size), mirror)!);
    }

    [Theory]
    [MemberData(nameof(Enums))]
    public void An_enum_has_the_same_members_with_the_same_values(string name, string prefix, Type mirror)
    {
        var expected = Btf.Value.Single(t => Kind(t) == "ENUM" && Name(t) == name).GetProperty("values").EnumerateArray()
            .Where(v => Name(v) is not ("SU_REASONS" or "SU_GUARD_REASONS" or "SU_CHOICES")) // how many there are
            .Select(v => (Pascal(Name(v)[prefix.Length..]), v.GetProperty("val").GetInt32()));

        Assert.Equal(expected, Enum.GetValues(mirror).Cast<object>().Select(v => (v.ToString()!, Convert.ToInt32(v, null))));
    }

    [Fact]
    public void Every_struct_and_enum_of_the_header_has_a_mirror()
    {
        var named = Btf.Value.Where(t => Kind(t) is "STRUCT" or "ENUM" && Name(t).StartsWith("su_", StringComparison.Ordinal)).Select(Name);

        // su_tables, su_dispatch and its halves are the memory that holds them all: the next tests are about it.
        Assert.Equal(
            Structs.Select(s => s.Data.Item1).Concat(Enums.Select(e => e.Data.Item1)).Concat(["su_tables", "su_dispatch", "su_dispatch_half"]).Order(StringComparer.Ordinal),
            named.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("l1", AbiLimits.L1Entries)]
    [InlineData("l2", AbiLimits.L2Entries)]
    [InlineData("rows", AbiLimits.RowSlots)]
    [InlineData("endpoints", AbiLimits.Endpoints)]
    [InlineData("interfaces", AbiLimits.Interfaces)]
    public void A_table_has_as_many_entries_as_the_mirror_says(string table, int entries)
    {
        var tables = Btf.Value.Single(t => Kind(t) == "STRUCT" && Name(t) == "su_tables");
        var member = tables.GetProperty("members").EnumerateArray().Single(m => Name(m) == table);

        Assert.Equal(entries, Type(member.GetProperty("type_id").GetInt32()).GetProperty("nr_elems").GetInt32());
    }

    [Theory]
    [InlineData("su_dispatch", "halves", DispatchLayout.Halves, 2)]
    [InlineData("su_dispatch", "bindings", DispatchLayout.Bindings, DispatchLimits.Bindings)]
    [InlineData("su_dispatch", "counted_before", DispatchLayout.CountedBefore, DispatchLimits.Bindings)]
    [InlineData("su_dispatch", "binding_targets", DispatchLayout.BindingTargets, DispatchLimits.Bindings)]
    [InlineData("su_dispatch", "targets", DispatchLayout.Targets, DispatchLimits.Targets)]
    [InlineData("su_dispatch", "half", DispatchLayout.Half, null)]
    [InlineData("su_dispatch", "counts_addresses", DispatchLayout.CountsAddresses, null)]
    [InlineData("su_dispatch", "generation", DispatchLayout.Generation, null)]
    [InlineData("su_dispatch_half", "classes_by_port", DispatchLayout.ClassesByPort, null)]
    [InlineData("su_dispatch_half", "any_port_class", DispatchLayout.AnyPortClass, 2)]
    [InlineData("su_dispatch_half", "binding_count", DispatchLayout.BindingCount, null)]
    [InlineData("su_dispatch_half", "classes", DispatchLayout.Classes, DispatchLimits.Classes)]
    [InlineData("su_dispatch_half", "v4", DispatchLayout.V4, DispatchLimits.Ranges)]
    [InlineData("su_dispatch_half", "v6", DispatchLayout.V6, DispatchLimits.Ranges)]
    [InlineData("su_dispatch_half", "v4_index", DispatchLayout.V4Index, DispatchLimits.Index)]
    [InlineData("su_dispatch_half", "bindings_in_use", DispatchLayout.BindingsInUse, DispatchLimits.Bindings / 64)]
    public void A_part_of_the_dispatch_tables_lies_where_the_mirror_says_and_is_as_long(string parent, string part, int offset, int? entries)
    {
        var members = Btf.Value.Single(t => Kind(t) == "STRUCT" && Name(t) == parent).GetProperty("members");
        var member = members.EnumerateArray().Single(m => Name(m) == part);

        Assert.Equal(offset, member.GetProperty("bits_offset").GetInt64() / 8);
        Assert.Equal(entries ?? 0, entries is null ? 0 : Type(member.GetProperty("type_id").GetInt32()).GetProperty("nr_elems").GetInt32());
    }

    [Fact]
    public void A_target_has_as_many_slots_as_there_are_bits_to_say_exact() =>
        Assert.Equal(DispatchLimits.TargetSlots, 8 * Size<ushort>());

    [Fact]
    public void There_are_as_many_reasons_as_the_mirror_says()
    {
        var reasons = Btf.Value.Single(t => Kind(t) == "ENUM" && Name(t) == "su_reason").GetProperty("values").EnumerateArray();

        Assert.Equal(AbiLimits.Reasons, reasons.Single(v => Name(v) == "SU_REASONS").GetProperty("val").GetInt32());
    }

    [Fact]
    public void There_are_as_many_guard_reasons_as_the_mirror_says()
    {
        var reasons = Btf.Value.Single(t => Kind(t) == "ENUM" && Name(t) == "su_guard_reason").GetProperty("values").EnumerateArray();

        Assert.Equal(GuardReasons.Count, reasons.Single(v => Name(v) == "SU_GUARD_REASONS").GetProperty("val").GetInt32());
    }

    [Fact]
    public void There_are_as_many_choices_and_slices_of_a_chooser_as_the_mirror_says()
    {
        var choices = Btf.Value.Single(t => Kind(t) == "ENUM" && Name(t) == "su_choice").GetProperty("values").EnumerateArray();
        var slices = Btf.Value.Single(t => Kind(t) == "STRUCT" && Name(t) == "su_chooser").GetProperty("members").EnumerateArray().Single(m => Name(m) == "slices");

        Assert.Equal(ChooserLimits.Choices, choices.Single(v => Name(v) == "SU_CHOICES").GetProperty("val").GetInt32());
        Assert.Equal(ChooserLimits.Slices, Type(slices.GetProperty("type_id").GetInt32()).GetProperty("nr_elems").GetInt32());
    }

    private static IReadOnlyList<JsonElement> ReadBtf()
    {
        var folder = Directory.CreateTempSubdirectory("su-abi-");
        try
        {
            var source = Path.Combine(folder.FullName, "abi.bpf.c");
            var uses = string.Join('\n', Structs.Select(s => $"struct {s.Data.Item1} a_{s.Data.Item1};")
                .Concat(Enums.Select(e => $"enum {e.Data.Item1} an_{e.Data.Item1};")).Append("extern struct su_tables all; struct su_tables *all_tables = &all; extern struct su_dispatch dispatch; struct su_dispatch *all_dispatch = &dispatch;"));
            File.WriteAllText(source, $"#include \"abi.h\"\n{uses}\n");
            var result = Run(Path.Combine(Tree.Root, "bpf/compile"), source, Path.Combine(folder.FullName, "abi.o"));
            Assert.True(result.Status == 0, result.Text);
            var dump = Run("bpftool", "-j", "btf", "dump", "file", Path.Combine(folder.FullName, "abi.o"));
            Assert.True(dump.Status == 0, dump.Text);
            return [.. JsonDocument.Parse(dump.Text).RootElement.GetProperty("types").EnumerateArray()];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static (int Status, string Text) Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, text);
    }

    private static JsonElement Type(int id) => Btf.Value.Single(t => t.GetProperty("id").GetInt32() == id);

    private static string Kind(JsonElement type) => type.GetProperty("kind").GetString()!;

    private static string Name(JsonElement type) => type.GetProperty("name").GetString()!;

    private static int SizeOf(JsonElement type) => Kind(type) switch
    {
        "ARRAY" => type.GetProperty("nr_elems").GetInt32() * SizeOf(Type(type.GetProperty("type_id").GetInt32())),
        "TYPEDEF" => SizeOf(Type(type.GetProperty("type_id").GetInt32())),
        _ => type.GetProperty("size").GetInt32(),
    };

    // row_base -> RowBase, BACKBONE -> Backbone
    private static string Pascal(string name) =>
        string.Concat(name.Split('_').Select(part => char.ToUpperInvariant(part[0]) + part[1..].ToLowerInvariant()));

    // A field's place is where the bytes change when it is filled with ones.
    private static IEnumerable<(string Name, int Offset, int Size)> Layout(Type mirror)
    {
        foreach (var field in mirror.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
        {
            var filled = RuntimeHelpers.GetUninitializedObject(mirror);
            field.SetValue(filled, Call(nameof(Ones), field.FieldType));
            var bytes = (byte[])Call(nameof(Bytes), mirror, filled)!;
            yield return (field.Name, Array.IndexOf(bytes, (byte)0xff), bytes.Count(b => b == 0xff));
        }
    }

    private static object? Call(string method, Type type, params object[] arguments) =>
        typeof(AbiTests).GetMethod(method, BindingFlags.Static | BindingFlags.NonPublic)!.MakeGenericMethod(type).Invoke(null, arguments);

    private static int Size<T>() => Unsafe.SizeOf<T>();

    private static T Ones<T>()
        where T : unmanaged
    {
        T value = default;
        MemoryMarshal.AsBytes(new Span<T>(ref value)).Fill(0xff);
        return value;
    }

    private static byte[] Bytes<T>(object boxed)
        where T : unmanaged
    {
        var value = (T)boxed;
        return MemoryMarshal.AsBytes(new Span<T>(ref value)).ToArray();
    }
}
