"""A TCP connection from a slice, in Python.

Run: python3 recipe.py /run/softunicast/control.sock POOL ADDRESS PORT
"""
import errno
import socket
import struct
import sys

IP_BIND_ADDRESS_NO_PORT = 24
IP_LOCAL_PORT_RANGE = 51  # Linux 6.3


def lease(path, pool):
    """Asks the daemon for slices, which are this process's until it ends: [(address, first, last)]."""
    slices = []
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        lines = connection.makefile("rw", encoding="utf-8", newline="\n")
        if not lines.readline().startswith("0001 "):
            sys.exit("this is no SoftUnicast daemon")
        lines.write(f"lease pool {pool}\n")
        lines.flush()
        # Lines are "NNNN-text", then " text" while the code stays; the last is "NNNN text".
        for line in lines:
            text = line[1:] if line[0] == " " else line[5:]
            if line[0] != " " and line[4] == " ":
                if line.startswith("0000"):
                    return slices
                sys.exit(f"{pool}: {text.rstrip()}")
            words = text.split()
            if words[0] == "slice":
                address, ports = words[1].rsplit(":", 1)
                first, last = ports.split("-")
                slices.append((address.strip("[]"), int(first), int(last)))
    sys.exit("the daemon hung up")


def connect_from(slice_, remote):
    """Connects from the slice: each option in this order."""
    address, first, last = slice_
    connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    try:
        # The port is chosen by connect, which knows the destination; bind would keep it from all others.
        connection.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        connection.setsockopt(socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, struct.pack("=I", last << 16 | first))
        connection.bind((address, 0))
        connection.connect(remote)
    except OSError:
        connection.close()
        raise
    # A slice outside net.ipv4.ip_local_port_range is ignored without a word.
    port = connection.getsockname()[1]
    if not first <= port <= last:
        sys.exit(f"port {port} is outside the slice: see net.ipv4.ip_local_port_range")
    return connection


def main():
    if len(sys.argv) != 5:
        print("usage: recipe.py SOCKET POOL ADDRESS PORT", file=sys.stderr)
        sys.exit(2)
    path, pool, address, port = sys.argv[1:]
    for slice_ in lease(path, pool):
        try:
            connection = connect_from(slice_, (address, int(port)))
        except OSError as failure:
            if failure.errno == errno.EADDRNOTAVAIL:
                continue  # This slice is full towards this destination. The next one may not be.
            sys.exit(f"{address}: {failure.strerror}")
        with connection:
            print("{}:{}".format(*connection.getsockname()[:2]))
        return
    sys.exit(f"{address}: {pool} has no port left for it here")


if __name__ == "__main__":
    main()
