/**
 * The least that a cold start needs: a Node process that starts a nats-server, makes a stream, and gets one message
 * through it. Argument: a folder for its data.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { findServerBinary } from "../../dist/nats/server-binary.js";

const folder = mkdtempSync(path.join(process.argv[2] ?? "/tmp", "cold-"));
const { path: binary } = await findServerBinary();
const server = spawn(binary, ["-js", "-sd", folder, "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", folder], {
  stdio: "ignore",
});
try {
  const nc = await connect({ servers: await serverUrl() });
  const jsm = await jetstreamManager(nc);
  await jsm.streams.add({ name: "COLD", subjects: ["cold"] });
  const js = jetstream(nc);
  await js.publish("cold", "1");
  const consumer = await js.consumers.get("COLD");
  const msg = await consumer.next({ expires: 5_000 });
  if (msg?.string() !== "1") throw new Error("the message did not come back");
  await nc.close();
} finally {
  const ended = new Promise((done) => server.once("exit", done));
  server.kill("SIGTERM");
  await ended;
  rmSync(folder, { recursive: true, force: true });
}

async function serverUrl() {
  for (const until = performance.now() + 10_000; performance.now() < until; await delay(2)) {
    for (const file of readdirSync(folder).filter((name) => name.endsWith(".ports"))) {
      const url = /"(nats:[^"]+)"/.exec(readFileSync(path.join(folder, file), "utf8"))?.[1];
      if (url !== undefined) return url;
    }
  }
  throw new Error("the server does not listen");
}
