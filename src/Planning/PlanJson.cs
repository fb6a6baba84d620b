using System.Text;
using System.Text.Json;

namespace SoftUnicast.Planning;

/// <summary>A plan for programs: one JSON object (RFC 8259). Names only ever come in addition.</summary>
public static class PlanJson
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true };

    public static string Render(PlanResult result, bool indented = true)
    {
        ArgumentNullException.ThrowIfNull(result);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, indented ? Indented : default))
        {
            Write(json, result);
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    /// <summary>Counts that can pass 2^53 are strings.</summary>
    public static void Write(Utf8JsonWriter json, PlanResult result)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(result);
        json.WriteStartObject();
        json.WriteBoolean("planned", result.IsPlanned);
        if (result.Diff is { } diff)
        {
            json.WriteBoolean("changed", !diff.IsEmpty);
            json.WriteNumber("generation_before", diff.FromGeneration);
            json.WriteNumber("generation", diff.ToGeneration);
            json.WriteStartArray("pools");
            foreach (var pool in diff.Pools)
            {
                Pool(json, pool);
            }

            json.WriteEndArray();
        }

        json.WriteStartArray("errors");
        foreach (var error in result.Errors)
        {
            json.WriteStartObject();
            json.WriteString("pool", error.Pool);
            json.WriteString("message", error.Message);
            json.WriteNumber("slices_wanted", error.Wanted);
            json.WriteNumber("slices_missing", error.Missing);
            json.WriteNumber("slices_in_quarantine", error.InQuarantine);
            json.WriteStartArray("would_do");
            foreach (var advice in error.Advice)
            {
                Advice(json, advice);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Advice(Utf8JsonWriter json, PlanAdvice advice)
    {
        json.WriteStartObject();
        switch (advice)
        {
            case MoreAddresses more:
                json.WriteNumber("more_addresses", more.Count);
                if (more.Range is { } range)
                {
                    json.WriteString("addresses", $"{range.First}-{range.Last}");
                }

                break;
            case SmallerSliceSize smaller:
                json.WriteNumber("slice_size", smaller.SliceSize.PortCount);
                Numbers(json, "reserved_slices", smaller.ReservedSlices);
                Strings(json, "without_first", smaller.WithoutFirst);
                break;
            case FewerSlicesPerServer fewer:
                json.WriteNumber("slices_per_server", fewer.Count);
                break;
            case WaitUntil wait:
                json.WriteString("wait_until", wait.Time);
                break;
            case AddServersLater later:
                Strings(json, "add_servers_later", later.Servers);
                break;
            case EmptyFirst empty:
                json.WriteString("empty_first", empty.Pool);
                break;
        }

        json.WriteString("text", advice.Text);
        json.WriteEndObject();
    }

    private static void Pool(Utf8JsonWriter json, PoolDiff pool)
    {
        json.WriteStartObject();
        json.WriteString("pool", pool.Pool);
        json.WriteString("change", pool.Change switch
        {
            PoolChange.Added => "added",
            PoolChange.Removed => "removed",
            _ => pool.IsEmpty ? "none" : "changed",
        });
        if (pool.SliceSizeBefore is { } before)
        {
            json.WriteNumber("slice_size_before", before.PortCount);
        }

        json.WriteNumber("kept", pool.KeptCount);
        json.WriteStartArray("added");
        foreach (var slice in pool.Added)
        {
            json.WriteStartObject();
            json.WriteString("server", slice.Server);
            json.WriteString("slice", slice.Slice.ToString());
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("removed");
        foreach (var slice in pool.Removed)
        {
            json.WriteStartObject();
            json.WriteString("server", slice.Server);
            json.WriteString("slice", slice.Slice.ToString());
            Why(json, slice.Reason, slice.QuarantinedUntil);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("moved");
        foreach (var slice in pool.Moved)
        {
            json.WriteStartObject();
            json.WriteString("server", slice.Server);
            json.WriteString("from", slice.From.ToString());
            json.WriteString("to", slice.To.ToString());
            Why(json, slice.Reason, slice.QuarantinedUntil);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("blocks");
        foreach (var block in pool.Blocks)
        {
            json.WriteStartObject();
            json.WriteString("block", block.Block.ToString());
            json.WriteString("from", block.From);
            json.WriteString("to", block.To);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (pool.Summary is { } summary)
        {
            json.WritePropertyName("summary");
            Summary(json, summary);
        }

        json.WriteEndObject();
    }

    private static void Summary(Utf8JsonWriter json, PoolSummary summary)
    {
        json.WriteStartObject();
        json.WriteString("prefix", summary.Prefix.ToString());
        json.WriteNumber("slice_size", summary.SliceSize.PortCount);
        json.WriteNumber("servers", summary.ServerCount);
        json.WriteString("addresses", summary.AddressCount.ToString());
        json.WriteNumber("slices_owned", summary.SlicesOwned);
        json.WriteString("slices_usable", summary.SlicesUsable.ToString());
        json.WriteNumber("slices_quarantined", summary.SlicesQuarantined);
        json.WriteNumber("split_addresses", summary.SplitAddressCount);
        json.WriteNumber("backbone_entries", summary.BackboneEntryCount);
        json.WriteStartArray("datacenters");
        foreach (var datacenter in summary.Datacenters)
        {
            json.WriteStartObject();
            json.WriteString("datacenter", datacenter.Name);
            json.WriteNumber("weight", datacenter.Weight);
            json.WriteNumber("servers", datacenter.ServerCount);
            json.WriteNumber("slices_owned", datacenter.SlicesOwned);
            json.WriteNumber("whole_addresses", datacenter.WholeAddressCount);
            json.WriteNumber("shared_addresses", datacenter.SharedAddressCount);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Why(Utf8JsonWriter json, ReleaseReason reason, DateTimeOffset? until)
    {
        json.WriteString("reason", reason switch
        {
            ReleaseReason.ServerGone => "server-gone",
            ReleaseReason.DatacenterNotServed => "datacenter-not-served",
            ReleaseReason.AddressNotAssignable => "address-not-assignable",
            ReleaseReason.SliceSizeChanged => "slice-size-changed",
            ReleaseReason.SliceReserved => "slice-reserved",
            _ => "more-than-its-number",
        });
        if (until is { } time)
        {
            json.WriteString("quarantined_until", time);
        }
    }

    private static void Numbers(Utf8JsonWriter json, string name, IEnumerable<int> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteNumberValue(value);
        }

        json.WriteEndArray();
    }

    private static void Strings(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }
}
