/**
 * The processes that a round needs: peers' servers and the workers that run their steps. Owns every process it started
 * and ends it by its id; when this process goes, they go with it.
 */
import { fork, spawn } from "node:child_process";

/** @typedef {import("node:child_process").ChildProcess} ChildProcess */
/** @typedef {{child: ChildProcess, stop: () => Promise<void>}} Running */

/** @type {Set<ChildProcess>} */
const started = new Set();
const graceMs = 10_000;

/** Ends all that is still there, at once. */
export function killAll() {
  for (const child of started) child.kill("SIGKILL");
}

process.on("exit", killAll);
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.on(signal, () => process.exit(130));

/**
 * Starts a server and resolves once `answers` does; rejects with the last of its output when it ends before that.
 * @param {object} server
 * @param {string} server.file
 * @param {string[]} [server.args]
 * @param {NodeJS.ProcessEnv} [server.env]
 * @param {string} server.cwd
 * @param {number} [server.uid] whom to run it as
 * @param {number} [server.gid]
 * @param {NodeJS.Signals} [server.stopSignal] default SIGTERM
 * @param {(output: string) => unknown} server.answers given what the server has said; throws, or is falsy, while it is
 *   not ready
 * @returns {Promise<Running>}
 */
export async function startServer({ file, args = [], env = process.env, cwd, uid, gid, stopSignal, answers }) {
  const child = spawn(file, args, {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    ...(uid === undefined ? {} : { uid, gid }),
  });
  const output = own(child);
  const startedAt = performance.now();
  const isReady = async () => answers(output());
  while (!(await isReady().catch(() => false))) {
    if (gone(child)) throw new Error(`${file} ended before it was ready:\n${output()}`);
    if (performance.now() - startedAt > 60_000) {
      await stop(child, "SIGKILL");
      throw new Error(`${file} was not ready within a minute:\n${output()}`);
    }
    await new Promise((done) => setTimeout(done, 50));
  }
  return { child, stop: () => stop(child, stopSignal) };
}

/**
 * Forks a worker, a process of its own as RayFlow's actors are, and resolves with the first message that it sends.
 * @param {string} file
 * @param {unknown} settings goes to the worker as JSON, its only argument
 * @returns {Promise<Running & {hello: any}>}
 */
export async function startWorker(file, settings) {
  const child = fork(file, [JSON.stringify(settings)], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    execArgv: [],
    env: { ...process.env, NODE_ENV: "production" },
  });
  const output = own(child);
  const hello = await new Promise((resolve, reject) => {
    child.once("message", resolve);
    child.once("exit", () => reject(new Error(`${file} ended before it was ready:\n${output()}`)));
  });
  return { child, hello, stop: () => stop(child) };
}

/** Keeps the process and the last 4 KiB that it says. @param {ChildProcess} child */
function own(child) {
  let tail = "";
  const keep = (/** @type {Buffer} */ chunk) => {
    tail = (tail + chunk.toString()).slice(-4096);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  child.on("error", (error) => keep(Buffer.from(String(error))));
  started.add(child);
  child.once("exit", () => started.delete(child));
  return () => tail;
}

/** @param {ChildProcess} child */
const gone = (child) => child.pid === undefined || child.exitCode !== null || child.signalCode !== null;

/** @param {ChildProcess} child @param {NodeJS.Signals} [signal] */
async function stop(child, signal = "SIGTERM") {
  if (gone(child)) return;
  const ended = new Promise((done) => child.once("exit", done));
  child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
  await ended;
  clearTimeout(timer);
}
