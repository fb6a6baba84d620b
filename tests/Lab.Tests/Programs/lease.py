"""Leases slices of a pool, says which lease that is, and keeps it until its input ends.

lease.py SOCKET POOL
"""
import json
import socket
import sys

with socket.socket(socket.AF_UNIX) as daemon:
    daemon.connect(sys.argv[1])
    reply = daemon.makefile()
    reply.readline()
    daemon.sendall(f"lease pool {sys.argv[2]}\n".encode())
    while not (line := reply.readline()).startswith("0000"):
        word, _, value = line[5 if line[0].isdigit() else 1:].rstrip("\n").partition(" ")
        if word == "lease":
            print(json.dumps({"lease": value.strip()}), flush=True)
sys.stdin.read()
