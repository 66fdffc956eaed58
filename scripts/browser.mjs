/** The browser of the editor's tests: found, or installed where that needs nobody's leave. */
import { execFile } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"];
const INSTALL_TIMEOUT_MS = 8 * 60_000;

/** What RAYFLOW_CHROMIUM or CHROMIUM_PATH names, else a Chromium or Chrome on PATH; undefined: there is none. */
export function findBrowser(env = process.env) {
  const folders = (env.PATH ?? "").split(path.delimiter);
  const onPath = NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name)));
  const named = [env.RAYFLOW_CHROMIUM, env.CHROMIUM_PATH].filter(Boolean);
  return [...named, ...onPath].find((file) => fs.existsSync(file));
}

/**
 * Installs Debian's chromium where there is no browser, as root and with apt only: a container of a build server.
 * Never fails: where it could not, the tests that need a browser say so and are skipped.
 */
export async function provideBrowser(say) {
  if (findBrowser() !== undefined || process.getuid?.() !== 0 || !isOnPath("apt-get")) return;
  say("No browser for the editor's tests: installing chromium ...");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...args) =>
    new Promise((resolve) => {
      execFile("apt-get", ["-y", "-q", ...args], { env, timeout: INSTALL_TIMEOUT_MS }, (error) => resolve(error));
    });
  const failed = (await apt("update")) ?? (await apt("install", "--no-install-recommends", "chromium"));
  if (findBrowser() === undefined) say(`chromium could not be installed: ${failed?.message ?? "apt-get left none"}`);
}

function isOnPath(name) {
  return (process.env.PATH ?? "").split(path.delimiter).some((folder) => fs.existsSync(path.join(folder, name)));
}
