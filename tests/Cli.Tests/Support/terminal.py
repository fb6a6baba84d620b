"""Runs a program at a pseudo terminal: terminal.py STEPS PROGRAM ARGS...

STEPS is JSON: a list of [wait_for, send]; each waits until the text has come since the step before, then sends. After the last
step it waits for the program's end. Prints what came, and exits with the program's status; 99: a text did not come in time.
"""
import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios
import time

steps = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(os.environ.get("COLUMNS", "100")), 0, 0))
    os.environ["TERM"] = "xterm"
    os.execv(sys.argv[2], sys.argv[2:])

seen = ""
mark = 0
deadline = time.monotonic() + 40


def read():
    global seen
    ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
    if not ready:
        sys.stdout.write(seen)
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        sys.exit(99)
    try:
        data = os.read(terminal, 65536)
    except OSError:
        data = b""
    seen += data.decode("utf-8", "replace")
    return len(data) > 0


for wait_for, send in steps:
    while wait_for not in seen[mark:]:
        if not read():
            sys.stdout.write(seen)
            sys.exit(98)
    mark = seen.index(wait_for, mark) + len(wait_for)
    os.write(terminal, send.encode())

while read():
    pass
_, status = os.waitpid(pid, 0)
sys.stdout.write(seen)
sys.exit(os.waitstatus_to_exitcode(status))
