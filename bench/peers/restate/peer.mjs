/** Restate: its server from npm, one process with the handlers, and runs called through the server's ingress. */
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Missing } from "../host/debian.mjs";
import { freePorts, removeFolder, temporaryFolder } from "../host/ground.mjs";
import { startServer, startWorker } from "../host/processes.mjs";
import { measureRuns } from "../load.mjs";
import { connectIngress } from "./ingress.mjs";

const require = createRequire(import.meta.url);
const worker = fileURLToPath(new URL("./worker.mjs", import.meta.url));
const ways = { inHandler: "steps in the handler", byCalls: "a service call per step" };

/**
 * `log`: the server's own kinds of log; `retention`: how long it keeps the journal of a run that has ended.
 * @typedef {{fsync: boolean, partitions: number, log: "replicated" | "local", retention: string}} Settings
 */

/** @param {Partial<Settings>} settings @param {string} [name] @returns {import("../contestants.mjs").Contestant} */
const contestant = (
  { fsync = true, partitions = 1, log = "replicated", retention = "0s" },
  name = `Restate, ${partitions} partition${partitions === 1 ? "" : "s"}`,
) => ({
  name,
  durability: fsync ? "fsync" : "written",
  ways,
  start: () => start({ fsync, partitions, log, retention }),
});

/**
 * Restate as tuned for one small machine, with and without fsync, and with as many partitions as it has by default.
 * @type {import("../contestants.mjs").System}
 */
export const restate = {
  id: "restate",
  name: "Restate",
  prepare: () => {
    binary();
    const sdk = readFileSync(new URL("../node_modules/@restatedev/restate-sdk/package.json", import.meta.url), "utf8");
    return `${require("@restatedev/restate-server/package.json").version}, SDK ${JSON.parse(sdk).version}`;
  },
  contestants: [contestant({ fsync: false }), contestant({}), contestant({ partitions: 24 })],
  candidates: [
    contestant({}, "Restate"),
    contestant({ partitions: 2 }, "Restate, 2 partitions"),
    contestant({ log: "local" }, "Restate, local log"),
    contestant({ retention: "1d" }, "Restate, journals kept"),
  ],
};

/** Where the platform's package keeps the server. @throws Missing */
function binary() {
  const name = `@restatedev/restate-server-${process.platform}-${process.arch}`;
  try {
    return path.join(path.dirname(require.resolve(`${name}/package.json`)), "bin", "restate-server");
  } catch {
    throw new Missing(`Restate has no server on npm for this platform (${name})`);
  }
}

/** @param {Settings} settings @returns {Promise<import("../contestants.mjs").Running>} */
async function start(settings) {
  const folder = temporaryFolder("restate");
  const [ingress, admin, fabric] = await freePorts(3);
  const config = path.join(folder, "restate.toml");
  writeFileSync(config, toml(settings, { ingress, admin, fabric }));
  const server = await startServer({
    file: binary(),
    args: ["--config-file", config, "--base-dir", path.join(folder, "data"), "--no-logo"],
    cwd: folder,
    answers: async () => (await fetch(`http://127.0.0.1:${ingress}/restate/health`)).ok,
  });
  const handlers = await startWorker(worker, {});
  await register(admin, handlers.hello.port);
  const client = connectIngress(`http://127.0.0.1:${ingress}`);
  return {
    measure: (way, workload, extent) => measureRuns((handler) => client.call(way, handler), workload, extent),
    stop: async () => {
      client.close();
      await server.stop();
      await handlers.stop();
      removeFolder(folder);
    },
  };
}

/** @param {Settings} settings @param {{ingress: number, admin: number, fabric: number}} ports */
const toml = ({ fsync, partitions, log, retention }, { ingress, admin, fabric }) => `
node-name = "bench"
listen-mode = "tcp"
bind-address = "127.0.0.1:${fabric}"
advertised-address = "http://127.0.0.1:${fabric}/"
default-num-partitions = ${partitions}
default-journal-retention = "${retention}"
log-filter = "warn"
disable-telemetry = true
disable-prometheus = true
[ingress]
bind-address = "127.0.0.1:${ingress}"
[admin]
bind-address = "127.0.0.1:${admin}"
disable-web-ui = true
[log-server]
rocksdb-disable-wal-fsync = ${!fsync}
[bifrost]
default-provider = "${log}"
[bifrost.local]
rocksdb-disable-wal-fsync = ${!fsync}
`;

/** Tells the server where the handlers are; it answers when it has asked them what they offer. */
async function register(/** @type {number} */ admin, /** @type {number} */ port) {
  const response = await fetch(`http://127.0.0.1:${admin}/deployments`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ uri: `http://127.0.0.1:${port}` }),
  });
  if (!response.ok) throw new Error(`Restate refused the handlers: ${response.status} ${await response.text()}`);
}
