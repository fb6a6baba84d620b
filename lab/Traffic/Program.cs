using System.Net.Sockets;
using System.Runtime.InteropServices;
using SoftUnicast.Traffic;

const string Usage = """
    Usage: softunicast-traffic COMMAND
      origin --address ADDR [--http-port 80] [--udp-port 7] [--hold-port 9]
          the server on the Internet: GET /N answers N bytes, UDP is echoed, hold connections get a sequence
      fetch  --source ADDR --ports A-B [--bytes 1048576] [--timeout 20] http://ORIGIN[:PORT]/
          one HTTP request from a slice; every byte is checked
      udp    --source ADDR --ports A-B [--count 100] [--rate 200] [--size 200] ORIGIN:PORT
          datagrams from one port of a slice; counts what is lost, doubled or altered
      hold   --source ADDR --ports A-B [--connections 1] [--seconds 3600] [--gap 500] ORIGIN:PORT
          keeps TCP connections open (until the time is over or SIGTERM); reports gaps in milliseconds, and breaks
    Every result is one line of JSON. Exit: 0 all well, 1 something was lost or broke, 2 usage.
    """;

using var stop = new CancellationTokenSource();
void OnSignal(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}

using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);

try
{
    var options = Options.Parse(args);
    return options.Command switch
    {
        "origin" => await Origin.RunAsync(options.Allow("address", "http-port", "udp-port", "hold-port"), stop.Token),
        "fetch" => await Fetch.RunAsync(options.Allow("source", "ports", "bytes", "timeout"), stop.Token),
        "udp" => await UdpProbe.RunAsync(options.Allow("source", "ports", "count", "rate", "size"), stop.Token),
        "hold" => await Hold.RunAsync(options.Allow("source", "ports", "connections", "seconds", "gap"), stop.Token),
        _ => throw new UsageException($"no command '{options.Command}'"),
    };
}
catch (UsageException error)
{
    await Console.Error.WriteLineAsync($"softunicast-traffic: {error.Message}\n{Usage}");
    return 2;
}
catch (SocketException error)
{
    await Console.Error.WriteLineAsync($"softunicast-traffic: {error.Message}");
    return 1;
}
