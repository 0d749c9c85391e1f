#!/usr/bin/env python3
"""Compares servers that speak RESP, command by command, in one run on one machine.

    compare.py --server 'peer=/path/valkey-server --save "" --port {port}' \\
               --server 'us=/path/russet-server --save "" --port {port} --worker-threads 1' \\
               [--only TEXT] [--rounds 3] [--scale 1.0] [--json FILE]

The cases are those of `cases.py`. All servers run at once on one CPU, with the same data; the load
is on another. For each case they take turns (A B A B ...), so that a drift of the machine's speed
falls on all alike. Printed is, for each server, the median of its rounds of

    ops/s   operations per second, as this program, which is slow, could ask for
    cpu     the server's processor time per operation in microseconds, user and system
    ratio   its cpu divided by that of the first server

and, where a case is about latency, the median time of an operation in microseconds. Processor time
is the figure to trust. It is read from /proc/PID/task/*/schedstat, which counts nanoseconds.
Standard library only.
"""

import argparse
import glob
import json
import os
import resource
import shlex
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import cases
from resp import Connection


class Server:
    """A server process under test, given as NAME=COMMAND, where COMMAND has a {port}."""

    def __init__(self, specification, cpus):
        self.name, command = specification.split("=", 1)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        argv = shlex.split(command.replace("{port}", str(self.port)))
        self.process = subprocess.Popen(
            ["taskset", "-c", cpus, *argv], cwd=tempfile.gettempdir(),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for _ in range(200):
            if self.process.poll() is not None:
                sys.exit(f"{self.name} ended at its start: {shlex.join(argv)}")
            try:
                self.connect().ask("PING")
                return
            except OSError:
                time.sleep(0.05)
        sys.exit(f"{self.name} does not answer")

    def connect(self):
        return Connection(self.port)

    def cpu_us(self):
        """Processor time of all its threads so far, in microseconds."""
        total_ns = 0
        for path in glob.glob(f"/proc/{self.process.pid}/task/*/schedstat"):
            with open(path) as statistics_of_thread:
                total_ns += int(statistics_of_thread.read().split()[0])
        return total_ns / 1000

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def measure(server, case, scale):
    """One round of a case on one server."""
    operations = max(1, int(case.operations * scale))
    with case.prepared(server) as run:
        run(max(1, operations // 20))
        cpu_before, began = server.cpu_us(), time.perf_counter()
        latencies_us = run(operations)
        seconds, cpu = time.perf_counter() - began, server.cpu_us() - cpu_before
    result = {"ops": operations / seconds, "cpu": cpu / operations}
    if latencies_us:
        result["latency"] = statistics.median(latencies_us)
    return result


def median(rounds, figure):
    return statistics.median(one[figure] for one in rounds)


def row(case, servers, rounds):
    """Prints a line of the table, and returns its figures."""
    line, figures = f"{case.name:<34}", {}
    first = median(rounds[servers[0].name], "cpu")
    for server in servers:
        mine = {figure: median(rounds[server.name], figure) for figure in rounds[server.name][0]}
        mine["ratio"] = mine["cpu"] / first
        line += f"{mine['ops']:>14.0f} {mine['cpu']:>10.2f} {mine['ratio']:>6.2f}"
        line += f" {mine['latency']:>7.1f}" if "latency" in mine else " " * 8
        figures[server.name] = mine
    print(line, flush=True)
    return figures


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--server", action="append", required=True)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of operations")
    parser.add_argument("--server-cpus", default="0")
    parser.add_argument("--load-cpus", default="1")
    parser.add_argument("--json", help="where to write all figures")
    options = parser.parse_args()
    os.sched_setaffinity(0, {int(cpu) for cpu in options.load_cpus.split(",")})
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    wanted = [case for case in cases.ALL if options.only in case.name]
    servers = [Server(specification, options.server_cpus) for specification in options.server]
    result = {}
    try:
        for server in servers:
            for load in {case.load: None for case in wanted if case.load}:
                load(server.connect())
        title = f"{'':>14} {'cpu':>10} {'ratio':>6} {'latency':>7}"
        print(" " * 34 + "".join(f"{server.name + ' ops/s':>14}" + title[14:] for server in servers))
        for case in wanted:
            rounds = {server.name: [] for server in servers}
            for _ in range(options.rounds):
                for server in servers:
                    rounds[server.name].append(measure(server, case, options.scale))
            result[case.name] = row(case, servers, rounds)
    finally:
        for server in servers:
            server.stop()
    if options.json:
        with open(options.json, "w") as file:
            json.dump(result, file, indent=1)


if __name__ == "__main__":
    main()
