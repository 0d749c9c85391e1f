"""Starts a server for each program in turn, runs the program's test, and says what came out.

    run.py SERVER [PROGRAM ...]

A test is PROGRAM_test.py in this folder. It is given the server's address in REDIS_URL and passes if
it ends with status 0; what it did, it says in its last line.
"""

import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
# A program that takes longer is stuck.
LIMIT_SECONDS = 120
# As Redis 4, which has no streams: there are none yet, and RQ uses them where the server's version has.
OPTIONS = {"rq": ["--compatibility", "4.0"]}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(7) == b"+PONG\r\n"
    except OSError:
        return False


class Server:
    """A server on a port of its own, in a directory of its own."""

    def __init__(self, program, options):
        self.directory = tempfile.TemporaryDirectory()
        self.log = open(os.path.join(self.directory.name, "log"), "w+b")
        self.port = free_port()
        common = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--worker-threads", "4"]
        self.process = subprocess.Popen(
            [os.path.abspath(program), *common, *options],
            cwd=self.directory.name, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
        )

    def __enter__(self):
        began = time.monotonic()
        while not answers(self.port):
            if self.process.poll() is not None or time.monotonic() - began > 30:
                sys.exit("the server did not start:\n" + self.text())
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        ended = self.process.poll()
        if ended is None:
            self.process.terminate()
            self.process.wait(30)
        else:
            print(f"the server had ended with {ended}:\n{self.text()}")
        self.log.close()
        self.directory.cleanup()

    def text(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")


def run(program, server):
    """Runs one program's test; returns whether it passed."""
    began = time.monotonic()
    environment = dict(os.environ, REDIS_URL=f"redis://127.0.0.1:{server.port}/0", PYTHONPATH=str(HERE))
    try:
        done = subprocess.run(
            [sys.executable, HERE / f"{program}_test.py"], env=environment, timeout=LIMIT_SECONDS,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        passed, output = done.returncode == 0, done.stdout
    except subprocess.TimeoutExpired as stuck:
        passed, output = False, f"{stuck.stdout or ''}\nnot done in {LIMIT_SECONDS} s"
    if passed and server.process.poll() is None:
        print(f"{program}: {output.splitlines()[-1]} ({time.monotonic() - began:.1f} s)", flush=True)
        return True
    print(f"{program}: FAILED\n{output[-8_000:]}", flush=True)
    return False


def main():
    server_program, *wanted = sys.argv[1:]
    known = sorted(path.name.removesuffix("_test.py") for path in HERE.glob("*_test.py"))
    passed = 0
    programs = wanted or known
    for program in programs:
        with Server(server_program, OPTIONS.get(program, [])) as server:
            passed += run(program, server)
    failed = len(programs) - passed
    print(f"outside result: {'ok' if not failed else 'FAILED'}. {passed} passed; {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
