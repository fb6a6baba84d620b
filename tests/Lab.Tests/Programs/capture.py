"""What the machines at the other end of these interfaces send: a line of JSON for each IPv4 packet that comes in there.

capture.py INTERFACE...  Says {"ready": true} once it misses nothing more. Ends with its standard input.
"""
import json
import select
import socket
import struct
import sys

ALL_IPV4 = 0x0800
OUTGOING = 4  # PACKET_OUTGOING: what this machine itself sends

sockets = {}
for name in sys.argv[1:]:
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ALL_IPV4))
    packets.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    packets.bind((name, ALL_IPV4))
    packets.setblocking(False)
    sockets[packets] = name
print(json.dumps({"ready": True}), flush=True)


def tell(source):
    """All that has come by now."""
    while True:
        try:
            packet, (_, _, kind, _, _) = source.recvfrom(1 << 16)
        except BlockingIOError:
            return
        if kind == OUTGOING or len(packet) < 20:
            continue
        header = (packet[0] & 15) * 4
        protocol = packet[9]
        ports = struct.unpack("!HH", packet[header:header + 4]) if protocol in (6, 17) and len(packet) >= header + 4 else (0, 0)
        print(json.dumps({
            "interface": sockets[source],
            "protocol": protocol,
            "source": socket.inet_ntoa(packet[12:16]),
            "source_port": ports[0],
            "destination": socket.inet_ntoa(packet[16:20]),
            "destination_port": ports[1],
            "text": packet[header + 8:header + 72].decode("ascii", "replace") if protocol == 17 else "",
        }), flush=True)


while True:
    ready = select.select([*sockets, sys.stdin], [], [])[0]
    for source in sockets if sys.stdin in ready else ready:
        tell(source)
    if sys.stdin in ready:
        sys.exit(0)
