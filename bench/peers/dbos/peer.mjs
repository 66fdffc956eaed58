/** DBOS on PostgreSQL: workflows and steps of one application process, each step's result a row. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { commandOf, isRoot, Missing } from "../host/debian.mjs";
import { freePorts, removeFolder, temporaryFolder } from "../host/ground.mjs";
import { startServer, startWorker } from "../host/processes.mjs";
import { measureRuns } from "../load.mjs";

const worker = fileURLToPath(new URL("./worker.mjs", import.meta.url));
const manifest = new URL("../node_modules/@dbos-inc/dbos-sdk/package.json", import.meta.url);
/** Where Debian keeps the server's commands. */
const folders = [17, 16, 15, 14].map((major) => `/usr/lib/postgresql/${major}/bin`);
const wanted = (/** @type {string} */ command) => commandOf({ command, debianPackage: "postgresql", folders });

/**
 * `systemDatabasePoolSize`: connections of the application to PostgreSQL.
 * @typedef {{fsync: boolean, systemDatabasePoolSize: number}} Settings
 */

/** @param {Partial<Settings>} settings @param {string} [name] @returns {import("../contestants.mjs").Contestant} */
const contestant = ({ fsync = true, systemDatabasePoolSize = 10 }, name = "DBOS") => ({
  name,
  durability: fsync ? "fsync" : "written",
  ways: { workflow: "steps in the workflow" },
  start: () => start({ fsync, systemDatabasePoolSize }),
});

/** @type {import("../contestants.mjs").System} */
export const dbos = {
  id: "dbos",
  name: "DBOS",
  prepare: () => {
    const { version } = wanted("postgres");
    wanted("initdb");
    account();
    return `${JSON.parse(readFileSync(manifest, "utf8")).version} on PostgreSQL ${version}`;
  },
  contestants: [contestant({ fsync: false }), contestant({})],
  candidates: [5, 10, 20, 50].map((size) => contestant({ systemDatabasePoolSize: size }, `DBOS, ${size} connections`)),
};

/** Whom PostgreSQL runs as: it refuses root, so then the account that Debian makes for it. */
function account() {
  if (!isRoot()) return undefined;
  const ids = ["-u", "-g"].map((flag) => Number(spawnSync("id", [flag, "postgres"], { encoding: "utf8" }).stdout));
  const [uid = 0, gid = 0] = ids;
  if (!(uid > 0)) throw new Missing("PostgreSQL does not run as root, and there is no account named postgres");
  return { uid, gid };
}

/** @param {Settings} settings @returns {Promise<import("../contestants.mjs").Running>} */
async function start({ fsync, systemDatabasePoolSize }) {
  const owner = account();
  const folder = temporaryFolder("postgres", owner);
  const data = path.join(folder, "data");
  const made = spawnSync(
    wanted("initdb").file,
    ["--pgdata", data, "--username", "bench", "--auth", "trust", "--no-sync", "--no-locale", "--encoding", "UTF8"],
    { cwd: folder, encoding: "utf8", ...owner },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const [port] = await freePorts(1);
  const settings = { ...tuned, fsync: fsync ? "on" : "off", port, unix_socket_directories: folder };
  const postgres = await startServer({
    file: wanted("postgres").file,
    args: ["-D", data, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
    cwd: folder,
    stopSignal: "SIGINT", // Its fast shutdown: SIGTERM waits for clients to leave.
    answers: (output) => /ready to accept connections/.test(output),
    ...owner,
  });
  const application = await startWorker(worker, {
    systemDatabaseUrl: `postgresql://bench@127.0.0.1:${port}/bench`,
    systemDatabasePoolSize,
  });
  const ask = asker(application.child);
  return {
    measure: (_way, workload, extent) => measureRuns(ask, workload, extent),
    stop: async () => {
      await application.stop();
      await postgres.stop();
      removeFolder(folder);
    },
  };
}

/** PostgreSQL for a small machine that it has to itself: no replicas to log for, checkpoints far apart. */
const tuned = {
  listen_addresses: "127.0.0.1",
  synchronous_commit: "on",
  shared_buffers: "512MB",
  wal_level: "minimal",
  max_wal_senders: 0,
  wal_buffers: "16MB",
  max_wal_size: "4GB",
  checkpoint_timeout: "30min",
  max_connections: 60,
};

/**
 * Asks the application for runs, over the pipe between the processes.
 * @param {import("node:child_process").ChildProcess} application
 */
function asker(application) {
  /** @type {Map<number, {resolve: (value: unknown) => void, reject: (error: Error) => void}>} */
  const waiting = new Map();
  let runs = 0;
  application.on("message", (/** @type {{run: number, result?: unknown, failure?: string}} */ answer) => {
    const waiter = waiting.get(answer.run);
    waiting.delete(answer.run);
    if (answer.failure === undefined) waiter?.resolve(answer.result);
    else waiter?.reject(new Error(answer.failure));
  });
  return (/** @type {import("../workloads.mjs").Workload} */ workload) =>
    new Promise((resolve, reject) => {
      const run = runs++;
      waiting.set(run, { resolve, reject });
      application.send({ run, workload });
    });
}
