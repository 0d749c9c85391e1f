"""redis-py: its Lock and its registered scripts, under contention of many processes.

The lock is let go by a script that compares and deletes. Registered scripts are called by their digests,
and sent again whenever the server does not know them: some of the processes flush the scripts.
"""

import multiprocessing
import os

import redis

PROCESSES = 20
TURNS = 50
STOCK = 3_000

TAKE = """
local left = tonumber(redis.call('GET', KEYS[1]) or '0')
if left == 0 then return 0 end
redis.call('SET', KEYS[1], left - 1)
redis.call('HINCRBY', KEYS[2], left, 1)
redis.call('HINCRBY', KEYS[3], ARGV[1], 1)
return left
"""


def take_turns(number, begin):
    """Adds to a number that only the lock keeps others from, then takes from a stock until none is left."""
    connection = redis.Redis.from_url(os.environ["REDIS_URL"])
    begin.wait()
    for _ in range(TURNS):
        with connection.lock("lock", timeout=60, sleep=0.001):
            assert connection.incr("inside") == 1, "two have the lock"
            connection.set("number", int(connection.get("number") or 0) + 1)
            connection.decr("inside")
    take = connection.register_script(TAKE)
    taken = 0
    while take(keys=["stock", "taken", "takers"], args=[number]):
        taken += 1
        if number == 0 and taken % 50 == 0:
            connection.script_flush()


def main():
    connection = redis.Redis.from_url(os.environ["REDIS_URL"])
    connection.set("stock", STOCK)
    begin = multiprocessing.Barrier(PROCESSES)
    processes = [multiprocessing.Process(target=take_turns, args=(n, begin)) for n in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert int(connection.get("number")) == PROCESSES * TURNS
    assert connection.exists("lock") == 0
    taken = connection.hgetall("taken")
    assert len(taken) == STOCK, f"{STOCK - len(taken)} were never taken"
    assert set(taken.values()) == {b"1"}, "some were taken twice"
    assert sum(int(times) for times in connection.hgetall("takers").values()) == STOCK

    lock = connection.lock("lock", timeout=60)
    assert lock.acquire(blocking=False)
    assert not connection.lock("lock").acquire(blocking=False)
    lock.extend(10)
    assert 60 < connection.ttl("lock") <= 70
    lock.reacquire()
    connection.set("lock", "somebody else's")
    try:
        lock.release()
    except redis.exceptions.LockNotOwnedError:
        pass
    else:
        raise AssertionError("a lock was let go that somebody else has")
    print(f"{PROCESSES * TURNS} turns under a lock of {PROCESSES} processes; {STOCK} taken once each")


if __name__ == "__main__":
    main()
