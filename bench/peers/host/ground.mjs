/** The ground that a peer stands on for one round: folders that go away again, and free ports of the loopback address. */
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { killAll } from "./processes.mjs";

/** @type {Set<string>} */
const folders = new Set();
process.on("exit", () => {
  // Who still writes makes a folder that cannot be emptied; PostgreSQL's children take a moment longer than it does.
  killAll();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
});

/**
 * An empty folder, which the server named may own; gone when this process ends if not removed before.
 * @param {string} name
 * @param {{uid: number, gid: number}} [owner]
 */
export function temporaryFolder(name, owner) {
  const folder = mkdtempSync(path.join(tmpdir(), `rayflow-peers-${name}-`));
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
  folders.add(folder);
  return folder;
}

/** @param {string} folder */
export function removeFolder(folder) {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

/**
 * As many ports as asked for, all different and free at this moment.
 * @param {number} count
 * @returns {Promise<number[]>}
 */
export async function freePorts(count) {
  const listeners = await Promise.all(
    Array.from({ length: count }, () => {
      const listener = net.createServer();
      return new Promise((resolve, reject) => {
        listener.once("error", reject);
        listener.listen(0, "127.0.0.1", () => resolve(listener));
      });
    }),
  );
  const ports = listeners.map((listener) => listener.address().port);
  await Promise.all(listeners.map((listener) => new Promise((done) => listener.close(done))));
  return ports;
}
