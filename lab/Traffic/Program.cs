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
      serve  [--address 0.0.0.0] [--port 0] [--name HOST] [--requests 1]
          an HTTP service of one socket (port 0: any that is free), or of those that the service manager passed; answers GET
          with its name and the address and port that were asked; so many requests a connection
      names  --dns ADDR:PORT --ports P,P... [--names 100000] [--zipf 0] [--concurrency 32] [--fetches N] [--prefix P]
             [--dns-timeout 1000] [--dns-tries 3] [--timeout 5000] PATTERN
          fetches by name, e.g. a{n}.cdn.example.com, n alike or by Zipf's law: a query to the DNS server for each, then
          GET on one of the ports. A line 'mark NAME [PREFIX]' on standard input ends a phase and says its figures, and
          how even the addresses of PREFIX were used. Until N fetches are done, or the input ends; or SIGTERM.
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
        "serve" => await Service.RunAsync(options.Allow("address", "port", "name", "requests"), stop.Token),
        "names" => await Names.RunAsync(
            options.Allow("dns", "ports", "names", "zipf", "concurrency", "fetches", "prefix", "dns-timeout", "dns-tries", "timeout"), stop.Token),
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
