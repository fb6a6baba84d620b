using System.Collections.Immutable;
using SoftUnicast.Egress.Life;

namespace SoftUnicast.Egress.Attribution;

/// <summary>What was found when the log was opened.</summary>
/// <param name="From">Since when nobody wrote; null in a new log.</param>
/// <param name="Reason">How the former writer ended, as far as can be known.</param>
/// <param name="Cut">A record that a crash cut short: it was never in force.</param>
/// <param name="Broken">Where and how the chain is broken: somebody, or the disk, changed the log.</param>
public sealed record AttributionOpening(DateTimeOffset? From, string? Reason, string? Cut, string? Broken);

/// <summary>
/// The durable record of who had what, and the daemon's memory of it: JSON lines, each with the hash of the former one, a file a
/// UTC day with everything in force at its head. docs/attribution.md is the format. One writer, one thread.
/// </summary>
/// <remarks>
/// A record counts when <see cref="Append"/> returns, not before. What cannot be written is taken back, so that the file ends
/// with the last record that counts; the next call tries again.
/// </remarks>
public sealed class AttributionLog : IDisposable
{
    /// <summary><see cref="Tick"/> is to be called at least so often: what lies further back than that counts as unknown.</summary>
    public static TimeSpan AliveEvery { get; } = TimeSpan.FromSeconds(10);

    /// <summary>A wall clock that moves by more than this against the time since boot was set, not steered.</summary>
    private static readonly TimeSpan Steered = TimeSpan.FromSeconds(2);

    private readonly ILogFolder folder;
    private readonly string server;
    private readonly List<LogBody> pending = [];
    private ILogFile? file;
    private ILogFile? tipFile;
    private LogFileName name;
    private LogFileName? next;
    private string? former;
    private long length;
    private bool isLonger; // what failed to be written may stand behind length
    private int refused; // bytes of the last attempt that failed
    private long seq;
    private string hash = LogWords.NoHash;
    private DateTimeOffset lastTime;
    private Clock lastClock;

    private AttributionLog(ILogFolder folder, string server, Clock now)
    {
        this.folder = folder;
        this.server = server;
        lastClock = now;
        State = AttributionState.Empty;
        Opening = new AttributionOpening(null, null, null, null);
    }

    /// <summary>Everything in force: what is durable, no more and no less.</summary>
    public AttributionState State { get; private set; }

    public AttributionOpening Opening { get; private set; }

    /// <summary>Why the last attempt to write failed; null if it did not.</summary>
    public AttributionException? Problem { get; private set; }

    /// <summary>
    /// Opens the log, or begins one. A full disk is no failure: what is in force is read all the same, and
    /// <see cref="Problem"/> says that nothing can be written.
    /// </summary>
    /// <exception cref="IOException">The folder cannot be made, or the files in it cannot be read.</exception>
    public static AttributionLog Open(string folder, string server, Clock now, IFolderSync sync)
    {
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute);
        return Open(new DiskFolder(folder, sync), server, now);
    }

    internal static AttributionLog Open(ILogFolder folder, string server, Clock now)
    {
        var log = new AttributionLog(folder, server, now);
        try
        {
            log.Restore(now);
            log.Put([], now);
        }
        catch (AttributionException)
        {
            // Problem has it. Packets flow on what is in force.
        }
        catch
        {
            log.Dispose();
            throw;
        }

        return log;
    }

    /// <summary>Writes entries, all or none, and returns when they are durable.</summary>
    /// <returns>What is in force now.</returns>
    /// <exception cref="AttributionException">They are not in force; nothing has changed.</exception>
    public AttributionState Append(IReadOnlyCollection<AttributionEntry> entries, Clock now)
    {
        ArgumentNullException.ThrowIfNull(entries);
        Put([.. entries.Select(e => new LogBody.Entry(e))], now);
        return State;
    }

    /// <summary>
    /// Says that the writer is there, and begins the new day's file when it is time. After a failure, tries whether there is room
    /// again.
    /// </summary>
    /// <exception cref="AttributionException">The new file cannot be begun, or what failed would fail again.</exception>
    public void Tick(Clock now) => Put([], now);

    /// <summary>The daemon ends in order.</summary>
    public void Stop(Clock now) => Put([new LogBody.Stopped()], now);

    public void Dispose()
    {
        file?.Dispose();
        tipFile?.Dispose();
        file = null;
        tipFile = null;
    }

    private void Restore(Clock now)
    {
        var replay = LogReplay.Newest(folder, out var cutHead);
        if (replay is null)
        {
            // A file may be there all the same, with nothing in it yet.
            next = LogReplay.InOrder(folder) is [var (unbegun, _), ..] ? unbegun : null;
            return;
        }

        var tip = LogTip.Read(folder.Read(LogTip.FileName));
        replay.Compare(tip);
        State = replay.StateAt(now);
        (name, length, seq, hash, lastTime) = (replay.Name, replay.Length, replay.Seq, replay.Hash, replay.Time);
        var alive = tip is not null && tip.Seq == seq && tip.Alive > replay.Time && replay.Last is not LogBody.Stopped ? tip.Alive : replay.Time;
        var reason = replay.Last is LogBody.Stopped ? "stopped in order"
            : replay.Boot != now.BootId ? "the server went down"
            : "the daemon ended without a word";
        Opening = new AttributionOpening(alive, reason, replay.Cut ?? cutHead, replay.Broken);
        pending.Add(new LogBody.Gap(alive, reason, Opening.Cut, Opening.Broken));
        if (replay.Last is LogBody.Closed closed && LogFileName.TryParse(closed.Next, out var follower))
        {
            (next, former) = (follower, name.ToString());
            return;
        }

        file = folder.Open(name.ToString());
        isLonger = replay.Cut is not null;
    }

    private void Put(ImmutableArray<LogBody> bodies, Clock now)
    {
        try
        {
            NoticeClock(now);
            NoticeRemoval();
            Shorten();
            if (file is not null && LogFileName.DayOf(now.Wall) != name.Day)
            {
                var follower = Unused(now);
                Write([.. pending, new LogBody.Closed(follower.ToString())], now);
                EndFile(follower);
            }

            if (file is null)
            {
                Begin(next ?? Unused(now), now);
            }

            if (pending.Count + bodies.Length > 0)
            {
                Write([.. pending, .. bodies], now);
            }
            else if (Problem is not null)
            {
                TryRoom();
            }

            Problem = null;
        }
        catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException)
        {
            Problem = new AttributionException(System.IO.Path.Combine(folder.Path, (file is null ? next ?? name : name).ToString()), refusal);
            throw Problem;
        }

        WriteTip(now);
    }

    private void NoticeClock(Clock now)
    {
        if (now.BootId == lastClock.BootId)
        {
            var expected = lastClock.Wall + (now.SinceBoot - lastClock.SinceBoot);
            if ((now.Wall - expected).Duration() >= Steered)
            {
                pending.Add(new LogBody.ClockSet(expected > lastTime ? expected : lastTime));
            }
        }

        lastClock = now;
    }

    private void NoticeRemoval()
    {
        if (file is not null && !folder.Has(name.ToString()))
        {
            // What was written since the last snapshot is in no file any more; what is in force stays so, and is written anew.
            pending.Add(new LogBody.Gap(lastTime, "the file was removed while it was written", null, $"{name} was removed"));
            EndFile(null);
        }
    }

    /// <summary>Behind a gap and a set clock, time may go back; else it stands still where the clock was steered back a little.</summary>
    private DateTimeOffset TimeOf(Clock now)
    {
        var time = new DateTimeOffset(now.Wall.UtcTicks - (now.Wall.UtcTicks % TimeSpan.TicksPerMillisecond), TimeSpan.Zero);
        return time < lastTime && pending.Count == 0 ? lastTime : time;
    }

    private void Write(LogBody[] bodies, Clock now)
    {
        using var lines = new LogRecordWriter();
        var (time, lastSeq, lastHash, after) = (TimeOf(now), seq, hash, State);
        foreach (var body in bodies)
        {
            lastHash = lines.Add(new LogRecord(++lastSeq, time, now.BootId, now.SinceBoot, server, body, lastHash));
            after = body is LogBody.Entry(var entry) ? after.Apply(entry) : after;
        }

        isLonger = true;
        try
        {
            file!.Write(lines.Lines, length);
            file.Flush();
        }
        catch (IOException)
        {
            refused = lines.Lines.Length;
            TryShorten();
            throw;
        }

        isLonger = false;
        length += lines.Lines.Length;
        (seq, hash, lastTime, State) = (lastSeq, lastHash, time, after);
        if (bodies is not [LogBody.Snapshot])
        {
            pending.Clear();
        }
    }

    /// <summary>Blanks are no record: a crash in between leaves a line that was cut short, which is not in force.</summary>
    private void TryRoom()
    {
        var blanks = new byte[refused];
        blanks.AsSpan().Fill((byte)' ');
        isLonger = true;
        try
        {
            file!.Write(blanks, length);
            file.Flush();
        }
        finally
        {
            TryShorten();
        }
    }

    /// <summary>The name first, then the record: a name without a record is nothing, a record without a name would be lost.</summary>
    private void Begin(LogFileName begun, Clock now)
    {
        next = begun;
        try
        {
            file = folder.Create(begun.ToString());
            folder.Sync();
            length = 0;
            Write([new LogBody.Snapshot(State, former)], now);
        }
        catch
        {
            file?.Dispose();
            file = null;
            isLonger = false;
            throw;
        }

        (name, next) = (begun, null);
    }

    private void EndFile(LogFileName? follower)
    {
        file?.Dispose();
        file = null;
        isLonger = false;
        (former, next) = (name.ToString(), follower);
    }

    private LogFileName Unused(Clock now)
    {
        var names = folder.Names().ToHashSet(StringComparer.Ordinal);
        var free = new LogFileName(LogFileName.DayOf(now.Wall), 0);
        while (names.Contains(free.ToString()))
        {
            free = free with { Part = free.Part + 1 };
        }

        return free;
    }

    private void Shorten()
    {
        if (isLonger && file is not null)
        {
            file.SetLength(length);
            isLonger = false;
        }
    }

    private void TryShorten()
    {
        try
        {
            Shorten();
        }
        catch (IOException)
        {
            // Tried again before the next record.
        }
    }

    private void WriteTip(Clock now)
    {
        try
        {
            tipFile ??= folder.Has(LogTip.FileName) ? folder.Open(LogTip.FileName) : folder.Create(LogTip.FileName);
            tipFile.Write(new LogTip(seq, hash, now.Wall > lastTime ? now.Wall : lastTime).ToBytes(), 0);
        }
        catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException)
        {
            // It only narrows what is unknown after a crash, and finds a log cut at a record's end.
            tipFile?.Dispose();
            tipFile = null;
        }
    }
}
