/**
 * The process that runs BullMQ's jobs: one worker for the steps, one for the last job of each run, so that who waits for
 * runs hears of last jobs alone.
 */
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { chainLength, fanWidth, step } from "../workloads.mjs";
import { connection } from "./connection.mjs";

const { port, concurrency } = JSON.parse(process.argv[2] ?? "{}");
const steps = new Queue("steps", { connection: connection(port) });
const ends = new Queue("ends", { connection: connection(port) });
/** Where a fan-out by hand counts. */
const redis = new Redis(connection(port));
/** What a completed job leaves behind: nothing, which is BullMQ's fastest. */
const kept = { removeOnComplete: true };

/** What a job does, by its name. @type {Record<string, (job: import("bullmq").Job) => Promise<number>>} */
const jobs = {
  /** A step that gets its value with the job. */
  step: async ({ data }) => step(data.value),
  /** A step of a flow: its value is the one of the step before it, its child. */
  afterChild: async (job) => step((await childValues(job))[0] ?? 0),
  /** The join of a flow. */
  join: async (job) => sum(await childValues(job)),

  /** A step of a chain by hand: it adds the next one. */
  link: async ({ data: { run, done, value } }) => {
    const next = { run, done: done + 1, value: step(value) };
    if (next.done === chainLength - 1) await ends.add("step", next, { jobId: run, ...kept });
    else await steps.add("link", next, kept);
    return next.value;
  },
  /** A step of a fan-out by hand: the one that finds all results there adds the join; twice is once, by the job's id. */
  fan: async ({ data: { run, index } }) => {
    const key = `fan:${run}`;
    const answers = await redis.multi().hset(key, index, step(0)).hlen(key).exec();
    if (answers?.[1]?.[1] === fanWidth) await ends.add("sumUp", { run }, { jobId: run, ...kept });
    return index;
  },
  sumUp: async ({ data: { run } }) => {
    const answers = await redis.multi().hvals(`fan:${run}`).del(`fan:${run}`).exec();
    return sum(/** @type {string[]} */ (answers?.[0]?.[1]));
  },
};

/** @param {import("bullmq").Job} job */
const childValues = async (job) => Object.values(await job.getChildrenValues());
/** @param {unknown[]} values */
const sum = (values) => values.reduce((/** @type {number} */ total, value) => total + Number(value), 0);

const workers = [steps, ends].map(
  ({ name }) => new Worker(name, (job) => jobs[job.name](job), { connection: connection(port), concurrency }),
);
for (const worker of workers) {
  worker.on("error", (error) => console.error(error));
  worker.on("failed", (_job, error) => {
    console.error(error);
    process.exit(1); // No job may fail here: the run would never end.
  });
}
await Promise.all(workers.map((worker) => worker.waitUntilReady()));
process.on("disconnect", () => process.exit(0));
process.send?.("ready");
