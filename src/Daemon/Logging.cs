using NLog;
using NLog.Config;
using NLog.Layouts;
using NLog.Targets;
using SoftUnicast.Config;

namespace SoftUnicast.Daemon;

/// <summary>
/// Logs go to standard error; under systemd that is the journal, and each line carries its priority the way sd-daemon(3)
/// says. A file beside it, if the configuration names one.
/// </summary>
internal static class Logging
{
    private const string Plain = "${longdate} ${level:uppercase=true:padding=-5} ${logger:shortName=true}: ${message}${onexception:inner= ${exception:format=tostring}}";
    private const string Journal =
        "<${when:when=level>=LogLevel.Error:inner=3:else=${when:when=level==LogLevel.Warn:inner=4:else=${when:when=level==LogLevel.Info:inner=6:else=7}}}>"
        + "${logger:shortName=true}: ${message}${onexception:inner= ${exception:format=tostring}}";

#pragma warning disable CA2000 // Targets belong to the log manager, which closes them at its shutdown.
    public static void Set(LogConfig config)
    {
        var level = config.Level switch
        {
            Config.LogLevel.Trace => NLog.LogLevel.Trace,
            Config.LogLevel.Debug => NLog.LogLevel.Debug,
            Config.LogLevel.Warn => NLog.LogLevel.Warn,
            Config.LogLevel.Error => NLog.LogLevel.Error,
            _ => NLog.LogLevel.Info,
        };
        var underJournal = Environment.GetEnvironmentVariable("JOURNAL_STREAM") is not null;
        var logging = new LoggingConfiguration();
        logging.AddRule(level, NLog.LogLevel.Fatal, new ConsoleTarget("console") { StdErr = true, Layout = Layout.FromString(underJournal ? Journal : Plain) });
        if (config.FilePath is { } path)
        {
            logging.AddRule(level, NLog.LogLevel.Fatal, new FileTarget("file") { FileName = Layout.FromLiteral(path), Layout = Layout.FromString(Plain), KeepFileOpen = true });
        }

        // The host tells of its own start and end; the daemon says it better.
        logging.LoggingRules.Insert(0, new LoggingRule("Microsoft.*", NLog.LogLevel.Trace, NLog.LogLevel.Info, new NullTarget()) { Final = true });
        LogManager.Configuration = logging;
    }
#pragma warning restore CA2000
}
