"""Many UDP flows that share the ports of one leased slice: flows.py SOCKET POOL ADDRESS FIRST-PORT PORTS FLOWS

For each flow a port is held at the daemon, bound, locked, confirmed, connected and unlocked. Then every flow asks and is answered. Prints
one line of JSON: how many flows and ports, how many local ports serve several flows, how many answers came to the right socket.
"""
import collections
import json
import resource
import socket
import sys


class Daemon:
    def __init__(self, path):
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.connect(path)
        self.lines = self.connection.makefile("rw", encoding="utf-8", newline="\n")
        self.lines.readline()

    def ask(self, request):
        """The reply as words by their first one; None if somebody else was quicker. Any other refusal ends the program."""
        self.lines.write(request + "\n")
        self.lines.flush()
        words = {}
        for line in self.lines:
            text = line[1:] if line[0] == " " else line[5:]
            if line[0] != " " and line[4] == " ":
                if line.startswith("0000"):
                    return words
                if line.startswith("8016"):
                    return None
                sys.exit(f"{request}: {line.rstrip()}")
            key, _, value = text.rstrip("\n").partition(" ")
            words[key] = value.strip()
        sys.exit("the daemon hung up")


def open_flow(daemon, lease, remote):
    """None: somebody else was quicker with this port."""
    held = daemon.ask(f"hold {lease} to {remote[0]}:{remote[1]}")
    if held is None:
        return None
    address, port = held["local"].rsplit(":", 1)
    flow = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        flow.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        flow.bind((address, int(port)))
        flow.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        confirmed = daemon.ask(f"bound {held['token']}")
        if confirmed is None or confirmed["state"] != "yours":
            flow.close()
            return None
        flow.connect(remote)
        flow.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return flow
    except OSError as problem:
        print(f"{address}:{port} to {remote}: {problem}", file=sys.stderr)
        flow.close()
        return None


def main():
    path, pool, address, first, ports, count = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_NOFILE, [resource.getrlimit(resource.RLIMIT_NOFILE)[1]] * 2)
    daemon = Daemon(path)
    lease = daemon.ask(f"lease pool {pool} kind explicit")
    flows = {}
    while len(flows) < int(count):
        flow = open_flow(daemon, lease["lease"], (address, int(first) + len(flows) % int(ports)))
        if flow is not None:
            flows[flow.fileno()] = flow
    names = [(f.getsockname(), f.getpeername()) for f in flows.values()]
    answered = 0
    for flow in flows.values():
        wanted = f"{flow.getsockname()} {flow.getpeername()}".encode()
        flow.settimeout(2)
        for _ in range(5):
            flow.send(wanted)
            try:
                answered += flow.recv(2048) == wanted
                break
            except TimeoutError:
                pass
    used = collections.Counter(local for local, _ in names)
    print(json.dumps({
        "lease": lease["lease"], "slice": lease["slice"].split(" ")[0], "flows": len(names), "different": len(set(names)),
        "ports": len(used), "shared_ports": sum(1 for n in used.values() if n > 1), "answered": answered,
        "locals": sorted({f"{a}:{p}" for a, p in used})[:1],
    }), flush=True)


if __name__ == "__main__":
    main()
