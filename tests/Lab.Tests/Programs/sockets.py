"""A program that knows nothing of slices, and a few that know too much. Each result is a line of JSON.

sockets.py ways ADDRESS MARK        every way to send: a line each, with the name that getsockname gives
sockets.py seen ADDRESS             one connection: the name that the origin sees
sockets.py hold ADDRESS             a connection that stays; a line of input is answered with the numbers received so far
sockets.py again ADDRESS            a new connection after the other, until the input ends; an input line is answered
sockets.py bound ADDRESS SOURCE PORT   binds to a port of its own choice, sends a datagram and opens a connection; waits for the input's end
"""
import errno
import json
import select
import socket
import struct
import subprocess
import sys

HTTP, HOLD, ECHO = 80, 9, 7
PATIENCE = 10


def say(**what):
    print(json.dumps(what), flush=True)


def name_of(sock):
    address, port = sock.getsockname()[:2]
    return f"{address.removeprefix('::ffff:')}:{port}"


def fetch(sock, address):
    """The name that the origin sees. Reads to the end: the origin closes first, and no TIME_WAIT keeps the port."""
    sock.settimeout(PATIENCE)
    sock.connect((address, HTTP))
    sock.sendall(b"GET /10 HTTP/1.1\r\nHost: origin\r\n\r\n")
    answer = b""
    while part := sock.recv(4096):
        answer += part
    return next(line[8:] for line in answer.decode("ascii", "replace").split("\r\n") if line.startswith("X-Seen: "))


def echo_connected(sock, address, text):
    sock.settimeout(PATIENCE)
    sock.connect((address, ECHO))
    sock.send(text)
    assert sock.recv(100) == text


def echo_unconnected(sock, address, text):
    sock.settimeout(PATIENCE)
    sock.sendto(text, (address, ECHO))
    answer, peer = sock.recvfrom(100)
    assert answer == text and peer[:2] == (address, ECHO), (answer, peer)


def ways(address, mark):
    mapped = f"::ffff:{address}"
    for way, family, target in (("tcp", socket.AF_INET, address), ("tcp, v4-mapped", socket.AF_INET6, mapped)):
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            seen = fetch(sock, target)
            say(way=way, name=name_of(sock), seen=seen)
    for way, exchange, family, target in (
            ("udp", echo_connected, socket.AF_INET, address),
            ("udp, v4-mapped", echo_connected, socket.AF_INET6, mapped),
            ("udp, unconnected", echo_unconnected, socket.AF_INET, address),
            ("udp, unconnected, v4-mapped", echo_unconnected, socket.AF_INET6, mapped)):
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            text = f"{mark} {way}"
            exchange(sock, target, text.encode())
            say(way=way, name=name_of(sock), text=text)
    curl = subprocess.run(["curl", "-s", "-m", str(PATIENCE), "-o", "/dev/null", "-D", "-", f"http://{address}/10"], capture_output=True, text=True)
    say(way="a child's tcp", seen=next((line[8:] for line in curl.stdout.splitlines() if line.startswith("X-Seen: ")), curl.stderr))


def seen(address):
    with socket.socket() as sock:
        say(seen=fetch(sock, address))


def hold(address):
    with socket.create_connection((address, HOLD), PATIENCE) as sock:
        # Ends with a reset: no TIME_WAIT keeps the port.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        say(name=name_of(sock))
        count, data = 0, b""
        while True:
            for source in select.select([sock, sys.stdin], [], [])[0]:
                if source is sys.stdin:
                    if not sys.stdin.readline():
                        return
                    say(count=count)
                    continue
                part = sock.recv(4096)
                if not part:
                    raise ConnectionError("the other end closed")
                sock.sendall(part)
                data += part
                while len(data) >= 8:
                    assert int.from_bytes(data[:8], "big") == count
                    count, data = count + 1, data[8:]


def again(address):
    connected, failed, pause = 0, [], 0
    while True:
        if select.select([sys.stdin], [], [], pause)[0]:
            line = sys.stdin.readline()
            say(connected=connected, failed=failed)
            if not line:
                return
        try:
            with socket.socket() as sock:
                fetch(sock, address)
                connected, pause = connected + 1, 0
        except OSError as error:
            pause = 0.1
            failed.append(errno.errorcode.get(error.errno, str(error)))


def bound(address, source, port):
    udp, tcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket()
    for sock in (udp, tcp):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((source, int(port)))
    udp.sendto(b"from a port of somebody else", (address, ECHO))
    tcp.setblocking(False)
    tcp.connect_ex((address, HTTP))
    say(sent=True)
    sys.stdin.read()


{"ways": ways, "seen": seen, "hold": hold, "again": again, "bound": bound}[sys.argv[1]](*sys.argv[2:])
