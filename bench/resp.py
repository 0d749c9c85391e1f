"""Connections that send commands in large pieces and look no closer at replies than needed."""

import socket

MARK = b"*2\r\n$4\r\nECHO\r\n$7\r\n<<end>>\r\n"
MARK_REPLY = b"$7\r\n<<end>>\r\n"


def encode(*words):
    """A command as clients send it."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        word = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(parts)


class Connection:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        self.socket.close()

    def send(self, commands):
        """Sends encoded commands, with a mark behind them."""
        self.socket.sendall(commands + MARK)

    def wait(self):
        """Receives all replies up to the mark's; returns what came last."""
        tail = b""
        while not tail.endswith(MARK_REPLY):
            received = self.socket.recv(1 << 20)
            if not received:
                raise ConnectionError("the server closed the connection")
            # An error is a mistake in the case. They are looked for where they are cheap to see.
            if received.startswith(b"-"):
                raise ValueError(received[:200])
            tail = (tail + received)[-64:] if len(received) < 64 else received[-64:]
        return tail

    def ask(self, *words):
        """Sends one command and waits for its reply."""
        self.send(encode(*words))
        return self.wait()

    def load(self, commands):
        """Sends many encoded commands, some thousands at a time."""
        piece, size = [], 0
        for command in commands:
            piece.append(command)
            size += len(command)
            if size > 1 << 18:
                self.send(b"".join(piece))
                self.wait()
                piece, size = [], 0
        self.send(b"".join(piece))
        self.wait()
