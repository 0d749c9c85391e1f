"""The tasks of `celery_test.py`, in a module that the workers can import."""

import os

import redis
from celery import Celery

URL = os.environ["REDIS_URL"]
CONNECTION = redis.Redis.from_url(URL)

app = Celery("celery_tasks", broker=URL, backend=URL)
app.conf.broker_connection_retry_on_startup = True


@app.task
def count(number):
    CONNECTION.hincrby("counts", number, 1)
    return number


@app.task
def add(one, other):
    return one + other


@app.task
def total(numbers):
    return sum(numbers)


@app.task(bind=True, default_retry_delay=0, max_retries=5)
def third_time_lucky(self):
    attempts = CONNECTION.incr("attempts")
    if attempts < 3:
        raise self.retry()
    return attempts
