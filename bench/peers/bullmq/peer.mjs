/** BullMQ on Redis: flows, whose jobs wait for their children, and jobs that add each other by hand. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { FlowProducer, Queue, QueueEvents } from "bullmq";
import { commandOf } from "../host/debian.mjs";
import { freePorts, removeFolder, temporaryFolder } from "../host/ground.mjs";
import { startServer, startWorker } from "../host/processes.mjs";
import { measureRuns } from "../load.mjs";
import { connection } from "./connection.mjs";
import { ways } from "./ways.mjs";

const manifest = new URL("../node_modules/bullmq/package.json", import.meta.url);
const redisServer = () => commandOf({ command: "redis-server", debianPackage: "redis-server" });
const worker = fileURLToPath(new URL("./worker.mjs", import.meta.url));
/**
 * `concurrency`: how many jobs of a queue the worker has in hand at most.
 * @typedef {{appendfsync: "everysec" | "always", concurrency: number}} Settings
 */

/** @param {Partial<Settings>} settings @param {string} [name] @returns {import("../contestants.mjs").Contestant} */
const contestant = ({ appendfsync = "everysec", concurrency = 50 }, name = "BullMQ") => ({
  name,
  durability: appendfsync === "always" ? "fsync" : "written",
  ways: Object.fromEntries(Object.entries(ways).map(([id, { label }]) => [id, label])),
  start: () => start({ appendfsync, concurrency }),
});

/** @type {import("../contestants.mjs").System} */
export const bullmq = {
  id: "bullmq",
  name: "BullMQ",
  prepare: () => {
    const { version } = redisServer();
    return `${JSON.parse(readFileSync(manifest, "utf8")).version} on Redis ${version}`;
  },
  contestants: [contestant({}), contestant({ appendfsync: "always" })],
  candidates: [16, 50, 128, 256].map((concurrency) =>
    contestant({ concurrency }, `BullMQ, concurrency ${concurrency}`),
  ),
};

/** @param {Settings} settings @returns {Promise<import("../contestants.mjs").Running>} */
async function start({ appendfsync, concurrency }) {
  const folder = temporaryFolder("redis");
  const [port] = await freePorts(1);
  const redis = await startServer({
    file: redisServer().file,
    args: Object.entries({ port, bind: "127.0.0.1", dir: folder, save: "", appendonly: "yes", appendfsync }).flatMap(
      ([name, value]) => [`--${name}`, String(value)],
    ),
    cwd: folder,
    answers: (output) => /Ready to accept connections/.test(output),
  });
  const jobs = await startWorker(worker, { port, concurrency });
  const client = await connect(port);
  return {
    measure: (way, workload, extent) =>
      measureRuns((wanted) => client.ended((run) => ways[way].add[wanted](client, run)), workload, extent),
    stop: async () => {
      await client.close();
      await jobs.stop();
      await redis.stop();
      removeFolder(folder);
    },
  };
}

/** What adds jobs and hears of ended runs. @param {number} port */
async function connect(port) {
  const settings = { connection: connection(port) };
  const flow = new FlowProducer(settings);
  const steps = new Queue("steps", settings);
  const ends = new Queue("ends", settings);
  const events = new QueueEvents("ends", settings);
  /** @type {Map<string, {resolve: (value: unknown) => void, reject: (error: Error) => void}>} */
  const waiting = new Map();
  events.on("completed", ({ jobId, returnvalue }) => settle(jobId)?.resolve(Number(returnvalue)));
  events.on("failed", ({ jobId, failedReason }) => settle(jobId)?.reject(new Error(failedReason)));
  const settle = (/** @type {string} */ run) => {
    const waiter = waiting.get(run);
    waiting.delete(run);
    return waiter;
  };
  let runs = 0;
  await events.waitUntilReady();
  return {
    flow,
    steps,
    ends,
    /** Adds a run's jobs and resolves with what its last one returned. @param {(run: string) => Promise<unknown>} add */
    ended: (add) =>
      new Promise((resolve, reject) => {
        const run = `run-${runs++}`;
        waiting.set(run, { resolve, reject });
        add(run).catch(reject);
      }),
    close: () => Promise.all([flow, steps, ends, events].map((part) => part.close())),
  };
}
