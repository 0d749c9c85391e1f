"""The jobs of `rq_test.py`, in a module that the workers can import."""

import os

import redis

CONNECTION = redis.Redis.from_url(os.environ["REDIS_URL"])


def count(number):
    CONNECTION.hincrby("counts", number, 1)
    return number


def begin(number):
    assert CONNECTION.sadd("begun", number)


def finish(number):
    assert CONNECTION.smove("begun", "finished", number)


def fail():
    raise ValueError("as it should")
