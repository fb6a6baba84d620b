namespace SoftUnicast.Egress.Attribution;

/// <summary>The log could not be written: what was to be recorded is not in force.</summary>
/// <param name="path">The file.</param>
public sealed class AttributionException(string path, Exception reason) : IOException(
    $"{path} cannot be written ({reason.Message.TrimEnd('.')}): nothing new is handed out until it can", reason)
{
    public string Path { get; } = path;
}
