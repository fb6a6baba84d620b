using System.Collections.Immutable;
using System.Runtime.InteropServices;
using NLog;
using SoftUnicast.Config;
using SoftUnicast.Control;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.State;
using SoftUnicast.Dispatch;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Host;
using SoftUnicast.Linux.Net;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.Dispatch;

/// <summary>
/// What comes in on whole prefixes: keeps the program in its place, the prefixes local, the bindings as configuration and
/// commands have them; takes sockets from those who may register, and notices those that die. Owned by the reconciler's loop.
/// </summary>
internal sealed class DispatchService : IDisposable
{
    /// <summary>The kernel's table is compared with what is meant at least this often, also if nothing has changed here.</summary>
    private static readonly TimeSpan Repair = TimeSpan.FromSeconds(30);

    private static readonly Logger Log = LogManager.GetCurrentClassLogger();
    private readonly string folder;
    private readonly TimeProvider time;
    private readonly PinnedDispatch pinned;
    private readonly LocalRoutes routes = new();
    private readonly BindingBook book;
    private readonly ServedPools served;
    private readonly Dictionary<Label, long> dead = [];

    private DaemonConfiguration configuration;
    private LabelRules rules;
    private ImmutableArray<string> notBound = [];
    private ImmutableArray<DispatchPrefixRow> prefixes = [];
    private bool isCurrent;
    private long lastApplied;
    private long refused;
    private string? lastRefusal;

    private DispatchService(string folder, DaemonConfiguration configuration, TimeProvider time, PinnedDispatch pinned)
    {
        (this.folder, this.configuration, this.time, this.pinned) = (folder, configuration, time, pinned);
        book = BindingBook.Open(configuration.Server.Dispatch!.StatePath);
        rules = LabelRules.Of(configuration.Server.Dispatch.Labels);
        served = new ServedPools(time);
        Log.Info("dispatch {How} in {Folder}: {Bindings} bindings, {Sockets} sockets", pinned.IsAdopted ? "adopted" : "loaded", folder,
            pinned.Bindings.Bindings.Count, pinned.Sockets().Count);
    }

    /// <summary>Of the last pass.</summary>
    public DispatchStatus Status { get; private set; } = new(0, 0, 0, 0);

    /// <summary>Prefixes that may be announced now.</summary>
    public ImmutableArray<IpPrefix> Announced { get; private set; } = [];

    /// <summary>Its pins are gone, and it is of no use any more.</summary>
    public bool IsRemoved { get; private set; }

    /// <summary>Connections and packets handed over, of all bindings.</summary>
    public ulong Hits => pinned.ReadCounters().Aggregate(0ul, (sum, c) => sum + c.Hits);

    /// <summary>Where dispatch is pinned, below the packet path's pins.</summary>
    public static string FolderOf(DaemonConfiguration configuration) => Path.Combine(configuration.Server.PinsPath, "dispatch");

    /// <exception cref="PinnedStateException">What is pinned is of another make or namespace.</exception>
    /// <exception cref="BpfException">The kernel refused.</exception>
    public static DispatchService Open(DaemonConfiguration configuration, TimeProvider time)
    {
        var folder = FolderOf(configuration);
        return new DispatchService(folder, configuration, time, PinnedDispatch.LoadOrAdopt(folder));
    }

    /// <summary>Takes away what a daemon before this one left, which had a section <c>dispatch</c>.</summary>
    /// <returns>False: there was nothing.</returns>
    public static bool RemoveLeft(DaemonConfiguration configuration)
    {
        using var routes = new LocalRoutes();
        return PinnedDispatch.Remove(FolderOf(configuration)) | routes.Remove().Count > 0;
    }

    /// <summary>One pass. What is not right becomes a problem; what serves goes on.</summary>
    /// <param name="countsAddresses">Somebody wants to know which addresses are used.</param>
    public void Pass(DaemonConfiguration next, bool countsAddresses, ImmutableArray<Problem>.Builder problems)
    {
        if (!ReferenceEquals(next, configuration))
        {
            configuration = next;
            rules = LabelRules.Of(next.Server.Dispatch!.Labels);
            isCurrent = false;
        }

        var change = pinned.KeepAttached();
        if (change != AttachmentChange.None)
        {
            Log.Warn("dispatch was taken out of its place by somebody and is back");
        }

        NoteDead();
        pinned.CountsAddresses = countsAddresses;
        if (!isCurrent || time.GetElapsedTime(lastApplied) >= Repair)
        {
            Apply();
        }

        KeepPrefixes(problems);
        if (book.Problem is { } unread)
        {
            problems.Add(new Problem($"what was bound by command is not known: {unread}", "correct the file, or move it away, then restart the daemon"));
        }

        problems.AddRange(rules.Problems.Select(p => new Problem(p, "correct 'labels' in the file, then reload")));
        problems.AddRange(notBound.Select(n => new Problem($"not bound: {n}", "unbind it, or correct the file")));
    }

    /// <summary>Hits by local address, of those seen lately; only of the time since addresses are counted.</summary>
    public IReadOnlyDictionary<IpAddress, ulong> ReadAddresses() => pinned.ReadAddresses();

    public Answer<BoundReply> Bind(Binding binding)
    {
        var result = pinned.Bindings.With(binding, Allowed);
        return result.Table is null
            ? Refused(binding, string.Join("; ", result.Problems), "see show bindings and show dispatch")
            : Change(binding, [.. book.Bindings.Where(b => b != binding), binding], result.Table, isBound: true);
    }

    public Answer<BoundReply> Unbind(Binding binding)
    {
        if (configuration.Server.Dispatch!.Bindings.Contains(binding))
        {
            return Refused(binding, $"'{binding}' is bound by the configuration", "take it out of the file, then reload");
        }

        if (!book.Bindings.Contains(binding))
        {
            return Refused(binding, $"there is no binding '{binding}'", "see show bindings");
        }

        // Not in the table: it could not be bound, and only the file knows it.
        return Change(binding, [.. book.Bindings.Where(b => b != binding)], pinned.Bindings.Without(binding).Table ?? pinned.Bindings, isBound: false);
    }

    /// <summary>All of the sockets, or none.</summary>
    public Answer<RegisteredReply> Register(Register command, ControlPeer peer, IReadOnlyList<SafeHandle> sockets)
    {
        if (rules.Refusal(command.Label, peer) is { } denied)
        {
            return Deny(ReplyCode.MayNotRegister, denied, "the configuration's 'labels' say who may");
        }

        if (sockets.Count == 0)
        {
            return Deny(ReplyCode.SocketRefused, "no socket came with the line", "softunicastc register LABEL sends those of a process, or of the service manager");
        }

        RegisterReport report;
        try
        {
            report = pinned.Register(command.Label, sockets, command.Replaces ? RegisterMode.Replace : RegisterMode.Join, command.IsExact);
        }
        catch (SystemCallException e)
        {
            return Deny(ReplyCode.SocketRefused, e.Message, "none of the sockets was taken");
        }

        if (report.Refusal is { } refusal)
        {
            return Deny(ReplyCode.SocketRefused, refusal, "none of the sockets was taken");
        }

        Log.Info("label {Label}: {Count} sockets registered by user {User}, process {Process}", command.Label, sockets.Count, peer.UserId, peer.ProcessId);
        return new RegisteredReply(command.Label.ToString(), sockets.Count, SocketsOf(command.Label), report.Note is { } note ? [note] : []);
    }

    public Answer<RegisteredReply> Unregister(Unregister command, ControlPeer peer)
    {
        if (rules.Refusal(command.Label, peer) is { } denied)
        {
            return Deny(ReplyCode.MayNotRegister, denied, "the configuration's 'labels' say who may");
        }

        var count = command.Cookie is { } cookie ? pinned.Unregister(command.Label, cookie) ? 1 : 0 : pinned.Unregister(command.Label);
        if (count == 0)
        {
            return new ErrorReply(ReplyCode.NotFound, command.Cookie is { } missing
                ? FormattableString.Invariant($"label {command.Label} has no socket {missing}") : $"label {command.Label} has no socket", "see show dispatch");
        }

        Log.Info("label {Label}: {Count} sockets unregistered by user {User}, process {Process}", command.Label, count, peer.UserId, peer.ProcessId);
        return new RegisteredReply(command.Label.ToString(), count, SocketsOf(command.Label), []);
    }

    public BindingsReply ShowBindings(Label? label)
    {
        var configured = configuration.Server.Dispatch!.Bindings.ToHashSet();
        var live = LiveSockets();
        return new BindingsReply(
            [.. pinned.ReadCounters().Where(c => label is null || c.Binding.Label == label).Select(c => new BindingRow(
                c.Binding.Label.ToString(), c.Binding.Protocol.Name(), c.Binding.Prefix, c.Binding.PortsText(),
                configured.Contains(c.Binding) ? "configuration" : "command", live.GetValueOrDefault(KeyOf(c.Binding)), c.Hits, c.Misses, c.Errors))],
            notBound);
    }

    public DispatchReply Show()
    {
        var counters = pinned.ReadCounters();
        var sockets = pinned.Sockets();
        var labels = counters.Select(c => c.Binding.Label).Concat(sockets.Select(s => s.Label)).Concat(rules.Labels).Concat(dead.Keys).Distinct().Order();
        return new DispatchReply(
            folder,
            pinned.ProgramId,
            counters.Count,
            prefixes,
            [.. labels.Select(l => new LabelRow(
                l.ToString(), counters.Count(c => c.Binding.Label == l), sockets.Where(s => s.Label == l).Select(s => s.Cookie).Distinct().Count(),
                dead.GetValueOrDefault(l), Sum(l, c => c.Hits), Sum(l, c => c.Misses), Sum(l, c => c.Errors), rules.Names(l)))],
            [.. sockets.Select(Row)],
            refused,
            lastRefusal);

        ulong Sum(Label of, Func<BindingCounters, ulong> count) => counters.Where(c => c.Binding.Label == of).Aggregate(0ul, (sum, c) => sum + count(c));
    }

    /// <summary>Takes program, bindings, registrations and local routes away. What was bound by command stays in its file.</summary>
    /// <returns>What was done, in words.</returns>
    public string Remove()
    {
        var bindings = pinned.Bindings.Bindings.Count;

        // Whatever comes: this one is of no use any more, and what is left is for another.
        pinned.Dispose();
        Announced = [];
        IsRemoved = true;
        PinnedDispatch.Remove(folder);
        var removed = routes.Remove();
        return FormattableString.Invariant($"{bindings} bindings, {removed.Count} local routes");
    }

    public void Dispose()
    {
        if (!IsRemoved)
        {
            pinned.Dispose();
        }

        routes.Dispose();
    }

    private static ErrorReply Refused(Binding binding, string why, string next = "see show bindings")
    {
        Log.Info("binding {Binding} refused: {Reason}", binding, why);
        return new ErrorReply(ReplyCode.BindingRefused, why, next);
    }

    private ErrorReply Deny(ReplyCode code, string why, string next)
    {
        refused++;
        lastRefusal = why;
        Log.Warn("registration refused: {Reason}", why);
        return new ErrorReply(code, why, next);
    }

    private List<IpPrefix> Allowed => [.. configuration.Server.Dispatch!.Pools.SelectMany(p => p.Prefixes)];

    private IEnumerable<Binding> Meant() => configuration.Server.Dispatch!.Bindings.Concat(book.Bindings);

    /// <summary>On disk first: a daemon that dies in between makes at its start what the file says.</summary>
    private Answer<BoundReply> Change(Binding binding, ImmutableArray<Binding> next, BindingTable table, bool isBound)
    {
        var before = book.Bindings;
        try
        {
            book.Replace(next);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Refused(binding, $"it cannot be written down: {e.Message}", "make room on its file system, or give it back to this user");
        }

        if (pinned.Apply(table).Refusal is { } refusal)
        {
            book.Replace(before);
            return Refused(binding, refusal);
        }

        isCurrent = false; // what could not stand beside the one that is gone may now
        Log.Info("{Change}: {Binding}", isBound ? "bound" : "not bound any more", binding);
        var wants = isBound && LiveSockets().GetValueOrDefault(KeyOf(binding)) == 0 ? $"label {binding.Label} has no live socket for it yet: connections are refused until there is one" : null;
        return new BoundReply(binding.ToString(), isBound, wants);
    }

    private void Apply()
    {
        lastApplied = time.GetTimestamp();
        isCurrent = true;
        var problems = new List<string>();
        var table = BindingTable.Create(Meant(), Allowed).Table ?? OneByOne(problems);
        var report = book.Problem is null ? pinned.Apply(table) : pinned.Apply(WithKernels(table));
        if (report.Refusal is { } refusal)
        {
            problems.Add($"all that is new: {refusal}");
        }
        else if (!report.Diff.IsEmpty)
        {
            Log.Info("bindings: {Added} added, {Removed} removed", report.Diff.Added.Count, report.Diff.Removed.Count);
        }

        notBound = [.. problems];
    }

    // The configuration is without contradictions; what commands bound once may contradict it since.
    private BindingTable OneByOne(List<string> problems)
    {
        var allowed = Allowed;
        var table = BindingTable.Create(configuration.Server.Dispatch!.Bindings, allowed).Table ?? BindingTable.Empty;
        foreach (var binding in book.Bindings)
        {
            var result = table.With(binding, allowed);
            if (result.Table is null)
            {
                problems.AddRange(result.Problems.Select(p => p.Message));
            }

            table = result.Table ?? table;
        }

        return table;
    }

    // What commands bound is not known: what the kernel has of it serves on.
    private BindingTable WithKernels(BindingTable table)
    {
        foreach (var binding in pinned.Bindings.Bindings)
        {
            table = table.With(binding, [binding.Prefix]).Table ?? table;
        }

        return table;
    }

    private void NoteDead()
    {
        foreach (var socket in pinned.RemoveDead())
        {
            dead[socket.Label] = dead.GetValueOrDefault(socket.Label) + 1;
            Log.Warn("label {Label}: {Protocol} socket {Cookie} has been closed and is removed; the binding stays", socket.Label, socket.Protocol.Name(), socket.Cookie);
        }
    }

    private void KeepPrefixes(ImmutableArray<Problem>.Builder problems)
    {
        var dispatch = configuration.Server.Dispatch!;
        var wanted = Allowed;
        var kept = routes.Keep(dispatch.SetsKernel ? wanted : []);
        if (!kept.IsEmpty)
        {
            Log.Info("local prefixes: {Added} added, {Removed} removed", string.Join(", ", kept.Added), string.Join(", ", kept.Removed));
        }

        var live = LiveSockets();
        var locals = routes.Locals();
        var rows = ImmutableArray.CreateBuilder<DispatchPrefixRow>();
        foreach (var pool in dispatch.Pools)
        {
            var because = served.WhyNot(pool, pinned.Bindings.Bindings, b => live.GetValueOrDefault(KeyOf(b)) > 0);
            foreach (var prefix in pool.Prefixes)
            {
                var isLocal = locals.Any(l => l.Contains(prefix));
                if (!isLocal)
                {
                    problems.Add(new Problem($"{prefix} of pool '{pool.Name}' is not local: packets to it are not taken", $"ip route add local {prefix} dev lo"));
                }

                rows.Add(new DispatchPrefixRow(pool.Name, prefix, isLocal, isLocal && because is null, isLocal ? because : "it is not local"));
            }
        }

        prefixes = rows.ToImmutable();
        Announced = [.. prefixes.Where(p => p.IsAnnounced).Select(p => p.Prefix)];
        Status = new DispatchStatus(pinned.Bindings.Bindings.Count, pinned.Sockets().DistinctBy(s => s.Cookie).Count(), prefixes.Length, Announced.Length);
    }

    /// <summary>How many sockets are alive by label, protocol and family.</summary>
    private Dictionary<(Label Label, DispatchProtocol Protocol, bool IsIPv6), int> LiveSockets() =>
        pinned.Sockets().CountBy(s => (s.Label, s.Protocol, s.IsIPv6)).ToDictionary();

    private static (Label Label, DispatchProtocol Protocol, bool IsIPv6) KeyOf(Binding binding) => (binding.Label, binding.Protocol, binding.Prefix.IsIPv6);

    private ImmutableArray<SocketRow> SocketsOf(Label label) => [.. pinned.Sockets().Where(s => s.Label == label).Select(Row)];

    private static SocketRow Row(RegisteredSocket socket) =>
        new(socket.Label.ToString(), socket.Protocol.Name(), socket.IsIPv6 ? "ipv6" : "ipv4", socket.Slot, socket.Cookie, socket.IsExact);
}
