using System.Globalization;

namespace SoftUnicast.Egress.Attribution;

/// <summary>Walks through all files and finds what was changed, cut off or taken out.</summary>
internal sealed class ChainCheck(ILogFolder folder)
{
    private readonly List<LogFault> faults = [];
    private readonly List<string> unbegun = [];
    private string? goesOn;
    private LogRecord? former;
    private string formerHash = "";
    private RecordPlace? formerPlace;
    private string? tipHash;

    public IReadOnlyList<LogFault> Run()
    {
        // The tip first: what is read after it cannot lag behind it.
        var tipBytes = folder.Read(LogTip.FileName);
        var tip = LogTip.Read(tipBytes);
        var files = LogReplay.InOrder(folder);
        for (var i = 0; i < files.Length; i++)
        {
            File(files[i].Name.ToString(), isLast: i == files.Length - 1, tip);
        }

        // A crash between a file's name and its first record leaves it without one; nothing else may.
        foreach (var name in unbegun.Where(n => n != goesOn && formerPlace is not null))
        {
            Found(name, 0, "it has no record");
        }

        if (formerPlace is not null)
        {
            Tip(tip, tipBytes is not null);
        }

        return faults;
    }

    private void File(string name, bool isLast, LogTip? tip)
    {
        var lines = new LogLines(folder.Read(name) ?? []);
        LogRecord? last = null;
        foreach (var (number, line) in lines.All())
        {
            var record = LogRecordReader.Read(line);
            Record(name, number, record, tip);
            (former, formerHash, formerPlace) = (record, LogRecordWriter.Hash(line.Span), new RecordPlace(name, number, record?.Seq ?? 0));
            if (record is not null && tip?.Seq == record.Seq)
            {
                tipHash = formerHash;
            }

            last = record;
        }

        if (lines.CompleteBytes == 0)
        {
            unbegun.Add(name);
            return;
        }

        if (!lines.Rest.IsEmpty && !isLast)
        {
            Found(name, (formerPlace?.Line ?? 0) + 1, "the line is cut short");
        }

        goesOn = (last?.Body as LogBody.Closed)?.Next;
        if (goesOn is not null && !folder.Has(goesOn))
        {
            Found(goesOn, 0, $"it is missing: {formerPlace} says that the log goes on there");
        }
    }

    private void Record(string name, int number, LogRecord? record, LogTip? tip)
    {
        if (record is null)
        {
            Found(name, number, "not a record");
            return;
        }

        if (number == 1 && record.Body is not LogBody.Snapshot)
        {
            Found(name, number, "the file does not begin with a snapshot of what is in force");
        }

        if (formerPlace is null)
        {
            // Older files may have been deleted: that is how long logs are kept.
            return;
        }

        if (former is not null && record.Seq != former.Seq + 1)
        {
            Found(name, number, record.Seq > former.Seq + 1
                ? string.Create(CultureInfo.InvariantCulture, $"records {former.Seq + 1} to {record.Seq - 1} are missing: the record before it is {formerPlace}")
                : $"record {record.Seq} stands behind {formerPlace}");
        }
        else if (record.Prev != formerHash)
        {
            Found(name, number, $"it carries another hash than that of {formerPlace}: one of the two was changed");
        }
        else if (number == 1 && former is { Body: not LogBody.Closed } && record.Body is LogBody.Snapshot { Former: not null })
        {
            Found(formerPlace.File, formerPlace.Line, "the file's end is missing: its last record does not say where the log goes on");
        }

        if (record.Body is LogBody.Gap { Broken: { } broken })
        {
            Found(name, number, $"at that start the log was found broken: {broken}");
        }
    }

    private void Tip(LogTip? tip, bool exists)
    {
        if (tip is null)
        {
            Found(LogTip.FileName, 0, exists ? "it cannot be read" : "it is missing: nothing shows whether records were cut off at the end of the log");
        }
        else if (former is not null && tip.Seq > former.Seq)
        {
            Found(formerPlace!.File, formerPlace.Line, string.Create(CultureInfo.InvariantCulture, $"the log ends here: records {former.Seq + 1} to {tip.Seq} are missing ({LogTip.FileName})"));
        }
        else if (tipHash is not null && tipHash != tip.Hash)
        {
            Found(formerPlace!.File, formerPlace.Line, string.Create(CultureInfo.InvariantCulture, $"record {tip.Seq} is not the one that {LogTip.FileName} knows: one of the two was changed"));
        }
    }

    private void Found(string file, int line, string what) => faults.Add(new LogFault(file, line, what));
}
