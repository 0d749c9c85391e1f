"""What is measured: data to load, and commands to send by many connections at once."""

import contextlib
import hashlib
import random
import select
import time
from dataclasses import dataclass
from typing import Callable, Optional

from resp import encode

MANY = 1_000_000
SET_MEMBERS = 100_000
SORTED_ITEMS = 10_000
BITMAP_BYTES = 10_000_000


def member(number):
    return b"member%06d" % number


def in_tens(command, key, element, count):
    """Commands that add `count` elements to a key, ten each."""
    for start in range(0, count, 10):
        yield encode(command, key, *(word for n in range(start, start + 10) for word in element(n)))


def load_sorted_set(connection):
    scores = random.Random(1)
    connection.load(in_tens("ZADD", "zset", lambda n: (scores.randrange(MANY), member(n)), MANY))


def load_hashes(connection):
    def fields(count):
        return [word for n in range(count) for word in (b"field:%d" % n, b"value:%08d" % n)]

    connection.load(encode("HSET", f"hash:{n}", *fields(10)) for n in range(1000))
    for n in range(10):
        connection.load([encode("HSET", f"large:{n}", *fields(1000))])


def load_sets(connection):
    for key, start in (("set:a", 0), ("set:b", SET_MEMBERS // 2)):
        connection.load(in_tens("SADD", key, lambda n: (member(start + n),), SET_MEMBERS))


def load_sorted_sets(connection):
    for key, start in (("zset:a", 0), ("zset:b", SET_MEMBERS // 2)):
        scores = random.Random(start)
        pair = lambda n: (scores.randrange(MANY), member(start + n))  # noqa: E731
        connection.load(in_tens("ZADD", key, pair, SET_MEMBERS))


def load_list(connection):
    numbers = random.Random(2)
    connection.load(in_tens("RPUSH", "list", lambda _: (numbers.randrange(MANY),), SORTED_ITEMS))


def load_sketches(connection):
    for key in "abc":
        connection.load(in_tens("PFADD", f"sketch:{key}", lambda n: (b"%s:%d" % (key.encode(), n),), 100_000))


def load_places(connection):
    numbers = random.Random(3)
    place = lambda n: (f"{numbers.uniform(0, 20):.6f}", f"{numbers.uniform(40, 55):.6f}", member(n))  # noqa: E731
    connection.load(in_tens("GEOADD", "places", place, MANY))


def load_bitmaps(connection):
    numbers = random.Random(4)
    for key in "ab":
        connection.load([encode("SET", f"bits:{key}", numbers.randbytes(BITMAP_BYTES))])


SCRIPTS = {
    "GET": "return redis.call('GET', KEYS[1])",
    "limit": "local n = redis.call('INCR', KEYS[1]) redis.call('EXPIRE', KEYS[1], ARGV[1]) return n",
    "release": "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) else return 0 end",
    "HSETs": "for i = 1, 100 do redis.call('HSET', KEYS[1], i, ARGV[1]) end return 100",
}


def load_scripts(connection):
    connection.load(encode("SCRIPT", "LOAD", script) for script in SCRIPTS.values())
    connection.load(encode("SET", f"key:{n}", b"v" * 64) for n in range(1000))


def evalsha(script, kind, *arguments):
    """A call of a script with one key, one of a thousand of its kind."""
    digest = hashlib.sha1(SCRIPTS[script].encode()).hexdigest()
    return lambda n: encode("EVALSHA", digest, 1, f"{kind}:{n.randrange(1000)}", *arguments)


def locked_and_released(numbers):
    key = f"lock:{numbers.randrange(1000)}"
    release = hashlib.sha1(SCRIPTS["release"].encode()).hexdigest()
    return encode("SET", key, "token") + encode("EVALSHA", release, 1, key, "token")


@dataclass(frozen=True)
class Commands:
    """Commands of one kind, made by `command` of a random generator, in pipelines."""

    name: str
    operations: int
    command: Callable
    load: Optional[Callable] = None
    connections: int = 50
    pipeline: int = 32

    @contextlib.contextmanager
    def prepared(self, server):
        numbers = random.Random(5)
        connections = [server.connect() for _ in range(self.connections)]
        pipelines = [
            b"".join(self.command(numbers) for _ in range(self.pipeline))
            for _ in range(min(500, self.operations // self.pipeline + 1))
        ]

        def run(operations):
            left = max(1, operations // self.pipeline)
            while left:
                active = connections[:left]
                for connection in active:
                    connection.send(numbers.choice(pipelines))
                for connection in active:
                    connection.wait()
                left -= len(active)

        yield run
        for connection in connections:
            connection.close()


@dataclass(frozen=True)
class Publish:
    """Messages to so many subscribers, which are read from meanwhile."""

    subscribers: int
    operations: int
    load = None

    @property
    def name(self):
        return f"PUBLISH to {self.subscribers:,}"

    @contextlib.contextmanager
    def prepared(self, server):
        publisher = server.connect()
        publisher.ask("CONFIG", "SET", "maxclients", self.subscribers + 100)
        subscribers = [server.connect() for _ in range(self.subscribers)]
        for subscriber in subscribers:
            subscriber.socket.sendall(encode("SUBSCRIBE", "channel"))
        for subscriber in subscribers:
            subscriber.socket.recv(100)
            subscriber.socket.setblocking(False)
        poller = select.epoll()
        for subscriber in subscribers:
            poller.register(subscriber.socket, select.EPOLLIN)
        sockets = {subscriber.socket.fileno(): subscriber.socket for subscriber in subscribers}
        command = encode("PUBLISH", "channel", b"m" * 64)
        message_bytes = len(encode("message", "channel", b"m" * 64))
        # As many as keep the subscribers' buffers small.
        burst = max(1, min(32, 20_000 // self.subscribers))

        def run(operations):
            bursts = max(1, operations // burst)
            for _ in range(bursts):
                publisher.socket.sendall(command * burst)
                missing = message_bytes * burst * self.subscribers
                while missing:
                    for descriptor, _ in poller.poll():
                        missing -= len(sockets[descriptor].recv(1 << 16))
                publisher.ask("PING")

        yield run
        poller.close()
        for connection in [publisher, *subscribers]:
            connection.close()


@dataclass(frozen=True)
class HandOver:
    """An element that somebody waits for: from RPUSH to the reply of BLPOP."""

    name: str
    operations: int
    load = None

    @contextlib.contextmanager
    def prepared(self, server):
        waiting, pushing = server.connect(), server.connect()
        pop, push = encode("BLPOP", "queue", 0), encode("RPUSH", "queue", "element")
        reply = encode("queue", "element")

        def run(operations):
            latencies_us = []
            for _ in range(operations):
                waiting.socket.sendall(pop)
                # The other connection's turn comes after that of the first.
                pushing.ask("PING")
                began = time.perf_counter()
                pushing.socket.sendall(push)
                assert waiting.socket.recv(100) == reply
                latencies_us.append((time.perf_counter() - began) * 1e6)
                assert pushing.socket.recv(100) == b":1\r\n"
            return latencies_us

        yield run
        waiting.close()
        pushing.close()


def by_rank(numbers):
    start = numbers.randrange(MANY - 10)
    return encode("ZRANGE", "zset", start, start + 9)


def by_score(numbers):
    start = numbers.randrange(MANY - 10)
    return encode("ZRANGEBYSCORE", "zset", start, start + 9)


def around(numbers):
    place = f"{numbers.uniform(1, 19):.6f}", f"{numbers.uniform(41, 54):.6f}"
    return encode("GEOSEARCH", "places", "FROMLONLAT", *place, "BYRADIUS", 5, "km", "ASC")


def always(*words):
    command = encode(*words)
    return lambda _: command


def large(name, operations, words, load):
    """A command that takes so long that two connections are enough."""
    return Commands(name, operations, always(*words), load, connections=2, pipeline=1)


ALL = [
    Commands("ZRANGE by rank, 10 of 1M", 200_000, by_rank, load_sorted_set),
    Commands("ZRANGEBYSCORE, 10 of 1M", 200_000, by_score, load_sorted_set),
    Commands("ZRANK of 1M", 300_000, lambda n: encode("ZRANK", "zset", member(n.randrange(MANY))), load_sorted_set),
    Commands("ZINCRBY of 1M", 300_000, lambda n: encode("ZINCRBY", "zset", 1, member(n.randrange(MANY))), load_sorted_set),
    Commands("HGETALL of 10 fields", 200_000, lambda n: encode("HGETALL", f"hash:{n.randrange(1000)}"), load_hashes),
    Commands("HGETALL of 1,000 fields", 4_000, lambda n: encode("HGETALL", f"large:{n.randrange(10)}"), load_hashes, pipeline=2),
    large("SINTER of two of 100,000", 20, ("SINTER", "set:a", "set:b"), load_sets),
    large("ZUNIONSTORE of two of 100,000", 6, ("ZUNIONSTORE", "zset:both", 2, "zset:a", "zset:b"), load_sorted_sets),
    large("SORT of 10,000", 60, ("SORT", "list"), load_list),
    Commands("PFADD", 300_000, lambda n: encode("PFADD", f"sketch:{n.randrange(100)}", n.randrange(MANY)), load_sketches),
    Commands("PFCOUNT of one", 300_000, lambda n: encode("PFCOUNT", f"sketch:{n.choice('abc')}"), load_sketches),
    Commands("PFCOUNT of three", 3_000, always("PFCOUNT", "sketch:a", "sketch:b", "sketch:c"), load_sketches, pipeline=4),
    Commands("GEOSEARCH, 5 km of 1M", 20_000, around, load_places, pipeline=8),
    large("BITCOUNT of 10 MB", 100, ("BITCOUNT", "bits:a"), load_bitmaps),
    large("BITOP AND of two of 10 MB", 20, ("BITOP", "AND", "bits:both", "bits:a", "bits:b"), load_bitmaps),
    Commands("EVALSHA of GET", 200_000, evalsha("GET", "key"), load_scripts, pipeline=16),
    Commands("EVALSHA of INCR and EXPIRE", 200_000, evalsha("limit", "limit", 60), load_scripts, pipeline=16),
    Commands("EVALSHA of GET and DEL, after SET", 200_000, locked_and_released, load_scripts, pipeline=16),
    Commands("EVALSHA of 100 HSETs", 4_000, evalsha("HSETs", "fields", "value"), load_scripts, pipeline=16),
    Publish(1, 200_000),
    Publish(100, 6_400),
    Publish(10_000, 40),
    HandOver("BLPOP hand-over", 10_000),
]
