using System.Text;
using SoftUnicast.Examples.UdpService;

// Says who was asked. Start it, register it with `softunicastc register echo --pid PID`, and ask any bound address and port:
//   softunicastc bind echo udp 192.0.2.0/24 7
//   echo hello | nc -u 192.0.2.77 7
using var service = new AnsweringSocket(args.Length > 0 ? int.Parse(args[0], System.Globalization.CultureInfo.InvariantCulture) : 0);
Console.WriteLine($"process {Environment.ProcessId} answers on {service.Socket.LocalEndPoint}");
var buffer = new byte[65536];
while (true)
{
    var question = service.Receive(buffer);
    service.Answer(question, Encoding.ASCII.GetBytes($"{question.Asked} to {question.Peer}: {question.Length} bytes\n"));
}
