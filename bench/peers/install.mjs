/** Installs the peers' packages beside this file when they are missing or older than package.json says. */
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));

/** @throws Error when npm fails */
export function installPeers() {
  if (isInstalled()) return;
  process.stderr.write("installing the peers into bench/peers/node_modules\n");
  // No scripts: what the packages run at installation is telemetry and a build that has a ready-made binary beside it.
  const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save"];
  const { status } = spawnSync("npm", args, { cwd: folder, stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error("npm install failed in bench/peers");
}

function isInstalled() {
  const made = `${folder}node_modules/.package-lock.json`;
  return existsSync(made) && statSync(made).mtimeMs >= statSync(`${folder}package.json`).mtimeMs;
}
