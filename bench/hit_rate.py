#!/usr/bin/env python3
"""Compare how well RESP servers choose what to evict.

A cache in front of something slow asks for a key and, if it is not there, stores it. This tool
replays traces of such questions against servers with the same `maxmemory`, for every policy, and
prints which part of the questions were hits.

  zipf 0.9, zipf 1.1   keys by Zipf's law with that exponent
  scan                 zipf 1.0, interrupted by scans over keys that are asked for once and never again

There are about ten times as many keys as fit. The first third of a trace only fills the cache and is
not counted. For the volatile policies every key expires in an hour.

  hit_rate.py --server 'redis=/usr/bin/redis-server --port {port} --save ""' \\
              --server 'russet=target/release/russet-server --port {port} --save ""' \\
              [--policies allkeys-lru,allkeys-lfu] [--requests 1500000] [--megabytes 8] [--rounds 1]

The last server is compared with the first. Standard library only; `{port}` is replaced.
"""
import argparse
import itertools
import random
import shlex
import socket
import subprocess
import sys
import tempfile
import time

POLICIES = [
    "allkeys-lru", "allkeys-lfu", "allkeys-random",
    "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
]
VALUE = b"v" * 200
# What a key with such a value takes, roughly: keys are to be ten times the memory.
BYTES_PER_KEY = 300
BATCH = 50
SCANS = 10
FIRST_SCANNED = 1 << 40


def zipf(keys, exponent, requests, seed):
    weights = itertools.accumulate(1 / rank**exponent for rank in range(1, keys + 1))
    return random.Random(seed).choices(range(keys), cum_weights=list(weights), k=requests)


def scan_polluted(keys, requests, seed):
    """Two thirds by Zipf's law; after each tenth a scan of keys that nobody asks for again."""
    useful = zipf(keys, 1.0, requests * 2 // 3, seed)
    part, scanned = len(useful) // SCANS, (requests - len(useful)) // SCANS
    trace = []
    for number in range(SCANS):
        trace += useful[number * part:(number + 1) * part]
        first = FIRST_SCANNED + number * scanned
        trace += range(first, first + scanned)
    return trace


def command(*arguments):
    parts = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        argument = argument if isinstance(argument, bytes) else str(argument).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(argument), argument))
    return b"".join(parts)


class Server:
    """A server that was started for one trace."""

    def __init__(self, line):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.directory = tempfile.TemporaryDirectory()
        words = shlex.split(line.replace("{port}", str(port)))
        self.process = subprocess.Popen(words, cwd=self.directory.name, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while True:
            try:
                self.socket = socket.create_connection(("127.0.0.1", port))
                break
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    sys.exit(f"no answer from: {line}")
                time.sleep(0.05)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.replies = self.socket.makefile("rb", buffering=1 << 16)

    def reply(self):
        """One reply: a string, None if there is none, or the line itself."""
        line = self.replies.readline()
        if line[:1] == b"-" or not line:
            sys.exit(f"the server answered {line!r}")
        if line[:1] != b"$":
            return line
        return self.replies.read(int(line[1:]) + 2) if line != b"$-1\r\n" else None

    def ask(self, *arguments):
        self.socket.sendall(command(*arguments))
        return self.reply()

    def replay(self, trace, expiry, count_from):
        """Asks for each key of a trace and stores what is missing; the part of hits."""
        hits = 0
        for start in range(0, len(trace), BATCH):
            keys = [b"key:%012d" % number for number in trace[start:start + BATCH]]
            self.socket.sendall(b"".join(b"*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n" % (len(key), key) for key in keys))
            # A key asked for twice within a batch is stored once.
            missing = dict.fromkeys(key for key in keys if self.reply() is None)
            if missing:
                self.socket.sendall(b"".join(command("SET", key, VALUE, *expiry) for key in missing))
                for _ in missing:
                    self.reply()
            if start >= count_from:
                hits += len(keys) - len(missing)
        counted = len(trace) - (count_from + BATCH - 1) // BATCH * BATCH
        return hits / counted

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.directory.cleanup()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", action="append", required=True, help="name=command line")
    parser.add_argument("--policies", default=",".join(POLICIES))
    parser.add_argument("--requests", type=int, default=1_500_000)
    parser.add_argument("--megabytes", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=1, help="traces with different seeds")
    options = parser.parse_args()
    servers = [server.split("=", 1) for server in options.server]
    limit = options.megabytes << 20
    keys = limit * 10 // BYTES_PER_KEY
    names = [name for name, _ in servers]
    print(f"{keys} keys, {options.megabytes} MB, {options.requests} requests")
    print(f"{'trace':10}{'policy':18}" + "".join(f"{name:>12}" for name in names) + f"{'difference':>12}")
    for trace_name in ["zipf 0.9", "zipf 1.1", "scan"]:
        traces = []
        for seed in range(options.rounds):
            if trace_name == "scan":
                traces.append(scan_polluted(keys, options.requests, seed))
            else:
                traces.append(zipf(keys, float(trace_name.split()[1]), options.requests, seed))
        for policy in options.policies.split(","):
            rates = []
            for _, line in servers:
                rate = 0
                for trace in traces:
                    server = Server(line)
                    server.ask("CONFIG", "SET", "maxmemory", limit)
                    server.ask("CONFIG", "SET", "maxmemory-policy", policy)
                    expiry = ("EX", 3600) if policy.startswith("volatile") else ()
                    rate += server.replay(trace, expiry, len(trace) // 3) / len(traces)
                    server.stop()
                rates.append(rate)
            shown = "".join(f"{rate * 100:11.2f}%" for rate in rates)
            print(f"{trace_name:10}{policy:18}{shown}{(rates[-1] - rates[0]) * 100:+11.2f}%", flush=True)


if __name__ == "__main__":
    main()
