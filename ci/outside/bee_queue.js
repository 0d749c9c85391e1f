// Jobs of bee-queue: created by this process, worked off by others, each of which counts its jobs in
// the server. Some jobs fail the first time and are tried again; some are delayed.
const assert = require('assert');
const {fork} = require('child_process');
const Queue = require('bee-queue');
const redis = require('redis');

const JOBS = 4000;
const WORKERS = 4;
const url = new URL(process.env.REDIS_URL);
const server = {host: url.hostname, port: Number(url.port)};

function work() {
  const connection = redis.createClient(server);
  const queue = new Queue('jobs', {redis: server, activateDelayedJobs: true, removeOnSuccess: true});
  queue.process(20, (job) => new Promise((resolve, reject) => {
    connection.hincrby('tries', job.data.number, 1, (error, tries) => {
      if (error || (job.data.fails && tries === 1)) return reject(error || new Error('the first time'));
      connection.hincrby('done', job.data.number, 1, (failed) => failed ? reject(failed) : resolve());
    });
  }));
}

async function main() {
  const connection = redis.createClient(server);
  const all = (hash) => new Promise((resolve, reject) =>
    connection.hgetall(hash, (error, fields) => error ? reject(error) : resolve(fields || {})));
  const queue = new Queue('jobs', {redis: server, isWorker: false, getEvents: false});
  const workers = Array.from({length: WORKERS}, () => fork(__filename, ['work']));
  const fails = (number) => number % 40 === 0;
  for (let from = 0; from < JOBS; from += 200) {
    const numbers = Array.from({length: 200}, (_, at) => from + at);
    await Promise.all(numbers.map((number) => {
      const job = queue.createJob({number, fails: fails(number)}).retries(3);
      if (number % 50 === 1) job.delayUntil(Date.now() + 200);
      return job.save();
    }));
  }
  for (;;) {
    const health = await queue.checkHealth();
    if (health.waiting + health.active + health.delayed === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const [done, tries] = [await all('done'), await all('tries')];
  workers.forEach((worker) => worker.kill());
  assert.strictEqual(Object.keys(done).length, JOBS, 'jobs were lost');
  const twice = Object.keys(done).filter((number) => done[number] !== '1');
  assert.deepStrictEqual(twice, [], 'jobs were run more than once');
  for (let number = 0; number < JOBS; number++) {
    assert.strictEqual(tries[number], fails(number) ? '2' : '1');
  }
  console.log(`${JOBS} jobs by ${WORKERS} processes, ${JOBS / 40} of them after a failure`);
  process.exit(0);
}

process.argv[2] === 'work' ? work() : main().catch((error) => {
  console.error(error);
  process.exit(1);
});
