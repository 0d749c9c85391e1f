"""RQ: a queue of jobs, worked off by several processes. Each job runs once, in its dependency's order.

Each process forks for none of its jobs, which would test the system rather than the server.
"""

import os
import subprocess
import sys

import redis
import rq

import rq_jobs

JOBS = 3_000
CHAINED = 100
FAILING = 50
WORKERS = 4


def main():
    connection = redis.Redis.from_url(os.environ["REDIS_URL"])
    queues = [rq.Queue(name, connection=connection) for name in ("high", "default")]
    jobs = []
    for number in range(JOBS // 2):
        jobs.append(queues[number % 2].enqueue(rq_jobs.count, number))
    workers = [
        subprocess.Popen([
            sys.executable, "-m", "rq.cli", "worker", "--url", os.environ["REDIS_URL"], "--burst", "--quiet",
            "--worker-class", "rq.SimpleWorker", "high", "default",
        ])
        for _ in range(WORKERS)
    ]
    # The rest comes while the workers take.
    with connection.pipeline() as pipeline:
        prepared = [
            rq.Queue.prepare_data(rq_jobs.count, (number,)) for number in range(JOBS // 2, JOBS)
        ]
        jobs += queues[0].enqueue_many(prepared, pipeline=pipeline)
        pipeline.execute()
    for number in range(CHAINED):
        first = queues[0].enqueue(rq_jobs.begin, number)
        jobs += [first, queues[1].enqueue(rq_jobs.finish, number, depends_on=first)]
    failing = [queues[1].enqueue(rq_jobs.fail) for _ in range(FAILING)]
    for worker in workers:
        assert worker.wait() == 0
    # Those that found both queues empty before the last job came have gone: what is left is worked off.
    rq.SimpleWorker(queues, connection=connection).work(burst=True, logging_level="ERROR")

    counts = connection.hgetall("counts")
    assert len(counts) == JOBS, f"{JOBS - len(counts)} jobs were lost"
    twice = [job for job, times in counts.items() if times != b"1"]
    assert not twice, f"these ran more than once: {twice}"
    assert connection.scard("finished") == CHAINED
    statuses = [job.get_status() for job in jobs]
    assert set(statuses) == {rq.job.JobStatus.FINISHED}, set(statuses)
    assert {job.get_status() for job in failing} == {rq.job.JobStatus.FAILED}
    registry = rq.registry.FailedJobRegistry(queue=queues[1])
    assert registry.count == FAILING
    assert sum(queue.finished_job_registry.count for queue in queues) == len(jobs)
    assert not any(queue.count or queue.started_job_registry.count for queue in queues)
    assert rq.Worker.count(connection=connection) == 0
    print(f"{len(jobs) + FAILING} jobs by {WORKERS} processes, each once")


if __name__ == "__main__":
    main()
