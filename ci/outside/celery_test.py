"""Celery, with the server as broker and as result backend: tasks, groups, chords, retries, and two
worker processes that talk to each other over Pub/Sub. Each task runs once."""

import os
import subprocess
import sys

import redis
from celery import chord, group

import celery_tasks

TASKS = 1_500
CHORDS = 20
LIMIT_SECONDS = 90


def start_worker(name):
    return subprocess.Popen([
        sys.executable, "-m", "celery", "--app", "celery_tasks", "worker", "--pool", "threads", "--concurrency",
        "4", "--hostname", f"{name}@localhost", "--loglevel", "ERROR",
    ])


def main():
    connection = redis.Redis.from_url(os.environ["REDIS_URL"])
    workers = [start_worker(name) for name in ("one", "two")]
    try:
        many = group(celery_tasks.count.s(number) for number in range(TASKS)).apply_async()
        sums = [
            chord(celery_tasks.add.s(start, number) for number in range(10))(celery_tasks.total.s())
            for start in range(CHORDS)
        ]
        retried = celery_tasks.third_time_lucky.delay()
        assert many.get(timeout=LIMIT_SECONDS) == list(range(TASKS))
        assert [result.get(timeout=LIMIT_SECONDS) for result in sums] == [
            10 * start + 45 for start in range(CHORDS)
        ]
        assert retried.get(timeout=LIMIT_SECONDS) == 3
        answers = celery_tasks.app.control.ping(timeout=10, limit=2)
        assert sum(len(answer) for answer in answers) == 2, answers
    finally:
        for worker in workers:
            worker.terminate()
        ended = [worker.wait() for worker in workers]
    assert ended == [0, 0], ended
    counts = connection.hgetall("counts")
    assert len(counts) == TASKS, f"{TASKS - len(counts)} tasks were lost"
    twice = [task for task, times in counts.items() if times != b"1"]
    assert not twice, f"these ran more than once: {twice}"
    assert connection.llen("celery") == 0 and connection.hlen("unacked") == 0
    print(f"{TASKS} tasks and {CHORDS} chords by 2 workers, each once")


if __name__ == "__main__":
    main()
