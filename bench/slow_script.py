#!/usr/bin/env python3
"""Measures what clients notice of a script that runs for long on a key that they do not use.

    slow_script.py --server 'us=/path/russet-server --save "" --port {port} --worker-threads 2' \\
                   [--seconds 10] [--clients 8] [--rounds 3] [--most 2.0]

Clients, enough for each worker to have some, ask one after the other, GET and SET in turn, each for
keys of its own. Measured is the time from each request to its reply: for some seconds while nothing
else happens, then for as many while a script reads its key in an endless loop, which SCRIPT KILL ends.
The two take turns. Printed are percentiles in microseconds, of all rounds together, and how many times
as long requests take beside the script. With --most, a 99th percentile beyond so many times the idle
one is a failure. Standard library only.
"""

import argparse
import os
import sys
import threading
import time

from compare import Server
from resp import encode

SCRIPT = "while true do redis.call('GET', KEYS[1]) end"
PERCENTILES = (50, 90, 99, 99.9)


def ask_in_turn(connections, seconds, shared):
    """The times of requests, in microseconds. Keys that share a shard with the script's have to wait for
    it, as that one itself does; they are added to `shared` and left out."""
    latencies_us = []
    end = time.perf_counter() + seconds
    number = 0
    while time.perf_counter() < end:
        client = number % len(connections)
        turn = number // len(connections)
        number += 1
        key = f"key:{client}:{turn // 2 % 10}"
        if key in shared:
            continue
        is_write = turn % 2 == 0
        command = encode("SET", key, b"v" * 64) if is_write else encode("GET", key)
        socket = connections[client].socket
        began = time.perf_counter()
        socket.sendall(command)
        reply = socket.recv(1000)
        elapsed_us = (time.perf_counter() - began) * 1e6
        if reply.startswith(b"-BUSY"):
            shared.add(key)
        else:
            latencies_us.append(elapsed_us)
    return latencies_us


def beside_script(server, connections, seconds, shared):
    """As `ask_in_turn`, while the script runs."""
    runner, killer = server.connect(), server.connect()
    endings = []
    runner.socket.sendall(encode("EVAL", SCRIPT, 1, "slow"))
    waiting = threading.Thread(target=lambda: endings.append(runner.socket.recv(1000)))
    waiting.start()
    latencies_us = ask_in_turn(connections, seconds, shared)
    if endings:
        sys.exit(f"the script has ended early: {endings[0]!r}")
    killer.socket.sendall(encode("SCRIPT", "KILL"))
    if not killer.socket.recv(1000).startswith(b"+OK"):
        sys.exit("the script cannot be killed")
    waiting.join()
    runner.close()
    killer.close()
    return latencies_us


def percentiles(latencies_us):
    ordered = sorted(latencies_us)
    return [ordered[min(len(ordered) - 1, int(len(ordered) * p / 100))] for p in PERCENTILES]


def row(name, figures, form="{:>10.1f}"):
    print(f"{name:<24}" + "".join(form.format(figure) for figure in figures), flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--server", action="append", required=True)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--most", type=float, help="times the idle 99th percentile")
    parser.add_argument("--server-cpus", default="0,1")
    parser.add_argument("--load-cpus", default="0,1")
    options = parser.parse_args()
    os.sched_setaffinity(0, {int(cpu) for cpu in options.load_cpus.split(",")})
    failed = False
    print(" " * 24 + "".join(f"{'p' + str(p):>10}" for p in PERCENTILES))
    for specification in options.server:
        server = Server(specification, options.server_cpus)
        try:
            # So that the script can be killed when its time is over.
            server.connect().ask("CONFIG", "SET", "busy-reply-threshold", 10)
            connections = [server.connect() for _ in range(options.clients)]
            idle_us, beside_us, shared = [], [], set()
            ask_in_turn(connections, 0.5, shared)
            for _ in range(options.rounds):
                idle_us += ask_in_turn(connections, options.seconds, shared)
                beside_us += beside_script(server, connections, options.seconds, shared)
        finally:
            server.stop()
        idle, beside = percentiles(idle_us), percentiles(beside_us)
        ratios = [slow / fast for slow, fast in zip(beside, idle)]
        row(f"{server.name}, idle", idle)
        row(f"{server.name}, beside a script", beside)
        row("ratio", ratios, "{:>10.2f}")
        failed |= options.most is not None and ratios[PERCENTILES.index(99)] > options.most
    if failed:
        sys.exit("requests wait too long beside the script")


if __name__ == "__main__":
    main()
