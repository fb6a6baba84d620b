using System.Collections.Immutable;
using NLog;
using SoftUnicast.Config;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.State;
using SoftUnicast.Egress.Attribution;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;
using SoftUnicast.Naming;

namespace SoftUnicast.Daemon.Naming;

/// <summary>
/// DNS answers by policy: keeps the files that dnsdist reads, the table that PowerDNS is answered from, and what operators moved
/// and drained. Owned by the reconciler's loop; the table alone is read by other threads.
/// </summary>
/// <remarks>What cannot be written or listened on is a problem and tried again at the next pass; the former state stays in force.</remarks>
internal sealed class NamingService : IDisposable
{
    /// <summary>
    /// So long what an earlier daemon wrote stays, if this one announces nothing yet: packets go on meanwhile, and so do names.
    /// </summary>
    private static readonly TimeSpan LongestHold = AnnouncementGate.LongestWait;

    private static readonly Logger Log = LogManager.GetCurrentClassLogger();
    private readonly TimeProvider time;
    private readonly AddressMeter meter;
    private readonly AgilityFile file;
    private readonly Dictionary<string, MoveWatch> watches = new(StringComparer.Ordinal);
    private readonly long openedAt;
    private DnsdistStateWriter writer;
    private NamingTable? written;
    private PdnsListener? pdns;
    private (string? Path, string? Group) pdnsPlace;
    private bool holds = true;
    private bool comparesLoads;
    private volatile NamingTable? table;

    public NamingService(NamingInputs inputs, TimeProvider time, IFolderSync sync)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        this.time = time;
        openedAt = time.GetTimestamp();
        meter = new AddressMeter(time);
        file = new AgilityFile(inputs.Naming.StatePath, sync);
        Inputs = inputs;
        Files = DnsdistFiles.In(inputs.Naming.DnsdistFolder);
        writer = new DnsdistStateWriter(Files);
        file.Read();
    }

    /// <summary>Of the last pass.</summary>
    public NamingInputs Inputs { get; private set; }

    public DnsdistFiles Files { get; private set; }

    /// <summary>The number that dnsdist finds, and since when; null: nothing is written yet.</summary>
    public (uint Generation, DateTimeOffset At)? Written { get; private set; }

    /// <summary>What is answered from; null before the first pass that knows. Any thread.</summary>
    public NamingTable? Table => table;

    /// <summary>Null: PowerDNS cannot ask now.</summary>
    public RemoteCounters? Pdns => pdns?.Counters;

    public AgilityState Agility => file.State;

    /// <summary>Why nothing can be moved or drained; null: it can.</summary>
    public string? AgilityDamage => file.Damage is { } damage ? $"{file.Path} is not understood: {damage}" : null;

    /// <summary>Dispatch is to count by address: a policy compares loads, or the addresses that a move has left are not free yet.</summary>
    public bool WantsAddressCounts { get; private set; }

    /// <summary>Why a reload cannot go from one section to the other; null: it can.</summary>
    public static string? CannotTake(NamingConfig? now, NamingConfig? next) => now is not null && next is not null && now.StatePath != next.StatePath
        ? $"what was moved and drained is kept in {now.StatePath}, and 'state' of 'naming' cannot change while the daemon runs: move the file, then restart it (packets go on)"
        : null;

    /// <summary>One pass. What is not right becomes a problem.</summary>
    public void Pass(NamingInputs inputs, ImmutableArray<Problem>.Builder problems)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        if (inputs.Naming.DnsdistFolder != Inputs.Naming.DnsdistFolder)
        {
            // What was written at the old place stays there: dnsdist goes on with it until it is told the new one.
            Files = DnsdistFiles.In(inputs.Naming.DnsdistFolder);
            writer = new DnsdistStateWriter(Files);
            (written, Written) = (null, null);
        }

        Inputs = inputs;
        file.Read();
        if (Holds(inputs))
        {
            problems.Add(new Problem($"names are answered as before: nothing is announced yet, and {Files.StatePath} of an earlier daemon stays meanwhile", null));
            return;
        }

        Publish();
        Measure(inputs, problems);
        if (comparesLoads)
        {
            Publish();
        }

        Keep(problems);
        AddProblems(problems);
    }

    /// <summary>Makes a state durable, then has it answered.</summary>
    /// <returns>Who does not answer by it yet, and why; null: nobody.</returns>
    /// <exception cref="IOException">It could not be written down: nothing has changed.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    public string? Take(AgilityState next)
    {
        file.Write(next);
        Publish();
        Measure(Inputs, ImmutableArray.CreateBuilder<Problem>());
        return WriteDnsdist() is { } trouble ? $"dnsdist answers as before: {trouble}; it is tried again every second" : null;
    }

    /// <summary>The table as it would be with other moves and drains.</summary>
    public NamingTable TableWith(AgilityState agility) => NamingTable.Build(Inputs.Rules, Inputs.State(agility, meter.Loads));

    public MoveWatch WatchOf(PolicyMove move)
    {
        if (!watches.TryGetValue(move.Policy, out var watch) || watch.Move != move)
        {
            watches[move.Policy] = watch = new MoveWatch(move, time);
        }

        return watch;
    }

    /// <summary>The way down: nothing counts as announced any longer, so that every policy falls to its default.</summary>
    /// <returns>What was done, in words.</returns>
    public string StopAnswering()
    {
        table = NamingTable.Build(Inputs.Rules, Inputs.State(file.State, meter.Loads) with { Announced = [] });
        return WriteDnsdist() is { } trouble
            ? $"dnsdist may go on with addresses of this server: {trouble}"
            : $"{Inputs.Rules.Policies.Length} policies are left with their defaults";
    }

    /// <summary>The section was taken out of the file: no name is answered by policy any longer, and the authoritative servers answer all.</summary>
    /// <returns>False: dnsdist could not be told; to be tried again.</returns>
    public bool TryLeave(ImmutableArray<Problem>.Builder problems)
    {
        ClosePdns();
        table = NamingTable.Build(new NamingRules([], [], []), new NamingState(Inputs.Configuration.Self.Datacenter));
        if (WriteDnsdist() is not { } trouble)
        {
            return true;
        }

        problems.Add(new Problem($"dnsdist may go on with policies that are no longer in force: {trouble}", null));
        return false;
    }

    /// <summary>Closes the socket. The files stay: dnsdist goes on with them.</summary>
    public void Dispose() => ClosePdns();

    private bool Holds(NamingInputs inputs)
    {
        holds = holds && inputs.Configuration.Server.Dispatch is not null && inputs.Announced.IsEmpty && time.GetElapsedTime(openedAt) < LongestHold
            && File.Exists(Files.StatePath) && File.Exists(Files.GenerationPath);
        return holds;
    }

    private void Measure(NamingInputs inputs, ImmutableArray<Problem>.Builder problems)
    {
        var current = table!;
        comparesLoads = current.LeastLoadedPrefixes().Any();
        foreach (var gone in watches.Keys.Where(p => file.State.MoveOf(p) is null).ToArray())
        {
            watches.Remove(gone);
        }

        var moves = file.State.Moves.Where(m => inputs.NotApplied(m) is null).Select(WatchOf).ToArray();
        WantsAddressCounts = comparesLoads || moves.Any(m => !m.IsFree);
        HitsBetween? between = null;
        if (!WantsAddressCounts || inputs.Counters is not { } counters)
        {
            meter.Forget();
        }
        else
        {
            try
            {
                between = meter.Look(counters);
            }
            catch (IOException e)
            {
                meter.Forget();
                problems.Add(new Problem($"what comes to addresses cannot be counted: {e.Message}", null));
            }
        }

        if (moves.Length > 0)
        {
            var answered = Answered(current);
            foreach (var watch in moves)
            {
                watch.Step([.. watch.Move.Old.SelectMany(p => inputs.Rules.Pool(p)?.Prefixes ?? [])], answered, meter.Since, between);
            }

            WantsAddressCounts = comparesLoads || moves.Any(m => !m.IsFree);
        }
    }

    private static ImmutableArray<IpPrefix> Answered(NamingTable table) =>
    [
        .. from policy in table.PoliciesHere()
           from type in NamingTypes.Each(policy.Match!.Types)
           from prefix in table.Choice(policy, type).Prefixes
           where prefix.IsUp
           select prefix.Prefix,
    ];

    /// <summary>A new table if anything that it depends on has changed; else the same object.</summary>
    private void Publish()
    {
        var state = Inputs.State(file.State, comparesLoads ? meter.Loads : ImmutableSortedDictionary<IpAddress, long>.Empty);
        if (table is not { } now || !ReferenceEquals(now.Rules, Inputs.Rules) || !Same(now.State, state))
        {
            table = NamingTable.Build(Inputs.Rules, state);
        }
    }

    private static bool Same(NamingState one, NamingState other) =>
        one.Datacenter == other.Datacenter && one.Drained.SetEquals(other.Drained)
        && (one.Announced is { } a ? other.Announced is { } b && a.SequenceEqual(b) : other.Announced is null)
        && one.Moves.Count == other.Moves.Count && one.Moves.All(m => other.Moves.TryGetValue(m.Key, out var to) && to == m.Value)
        && one.Loads.Count == other.Loads.Count && one.Loads.All(l => other.Loads.TryGetValue(l.Key, out var load) && load == l.Value);

    private void Keep(ImmutableArray<Problem>.Builder problems)
    {
        if (WriteDnsdist() is { } reason)
        {
            problems.Add(new Problem($"dnsdist answers as before: {reason}", null));
        }

        if (pdnsPlace != (Inputs.Naming.PdnsSocketPath, Inputs.Naming.PdnsGroup))
        {
            ClosePdns();
            pdnsPlace = (Inputs.Naming.PdnsSocketPath, Inputs.Naming.PdnsGroup);
        }

        if (pdns?.Failure is { } failure)
        {
            Log.Warn("{Path} is opened anew: {Reason}", pdnsPlace.Path, failure);
            ClosePdns();
        }

        if (pdns is null && pdnsPlace.Path is { } path)
        {
            try
            {
                pdns = PdnsListener.Open(path, pdnsPlace.Group, () => table!, time);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                problems.Add(new Problem($"PowerDNS cannot ask: {e.Message}", null));
            }
        }

        if (pdns?.Trouble is { } trouble)
        {
            problems.Add(new Problem($"new connections of PowerDNS wait, those that are open are answered: {trouble}", SystemCallException.ShortageAdvice));
        }
    }

    /// <returns>Why it could not be; null: what dnsdist finds is what is meant.</returns>
    private string? WriteDnsdist()
    {
        if (ReferenceEquals(written, table) && File.Exists(Files.StatePath) && File.Exists(Files.GenerationPath))
        {
            return null;
        }

        try
        {
            NamingFolder.Make(Path.GetDirectoryName(Files.StatePath)!);
            Written = (writer.Write(table!), time.GetUtcNow());
            written = table;
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    private void AddProblems(ImmutableArray<Problem>.Builder problems)
    {
        if (AgilityDamage is { } damage)
        {
            problems.Add(new Problem($"nothing is moved or drained: {damage}", "correct the file, or move it away"));
        }

        problems.AddRange(file.State.Moves.Select(m => (m, Why: Inputs.NotApplied(m))).Where(m => m.Why is not null).Select(m => new Problem(
            $"the move of policy '{m.m.Policy}' to pool '{m.m.To}' is not in force: {m.Why}", $"take it back: agility end {m.m.Policy}")));
        problems.AddRange(file.State.Drains.Select(d => (d, Why: Inputs.NotApplied(d))).Where(d => d.Why is not null).Select(d => new Problem(
            $"the drain of pool '{d.d.Pool}' is not in force: {d.Why}", $"take it back: agility undrain {d.d.Pool}")));
    }

    private void ClosePdns()
    {
        pdns?.Dispose();
        pdns = null;
    }
}

/// <summary>The address types, one by one.</summary>
internal static class NamingTypes
{
    public static IEnumerable<AddressTypes> Each(AddressTypes types) => new[] { AddressTypes.A, AddressTypes.Aaaa }.Where(t => types.HasFlag(t));

    public static string Text(AddressTypes type) => type == AddressTypes.Aaaa ? "AAAA" : "A";
}
