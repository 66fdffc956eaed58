/** Servers that are no npm packages: taken from the PATH, or from Debian's packages where this process may install them. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";

/** Why a peer is left out of a run. Its message says what would help. */
export class Missing extends Error {}

/**
 * The path and the version of a server's command; installs Debian's package where the command is missing, apt is there
 * and this is root.
 * @param {{command: string, debianPackage: string, folders?: string[]}} wanted `folders` are searched after the PATH
 * @returns {{file: string, version: string}}
 * @throws {Missing}
 */
export function commandOf({ command, debianPackage, folders = [] }) {
  const file = find(command, folders) ?? installed(debianPackage, command, folders);
  if (file === undefined)
    throw new Missing(`${command} is not here; install it (Debian: apt install ${debianPackage})`);
  return { file, version: versionOf(file) };
}

/** @param {string} file */
function versionOf(file) {
  const { stdout } = spawnSync(file, ["--version"], { encoding: "utf8" });
  return /\d+\.\d+(\.\d+)?/.exec(stdout)?.[0] ?? stdout.trim();
}

/** @param {string} command @param {string[]} folders */
const find = (command, folders) =>
  [...(process.env.PATH ?? "").split(path.delimiter), ...folders]
    .map((folder) => path.join(folder, command))
    .find((file) => existsSync(file));

/** Whether this process is root. */
export const isRoot = () => process.getuid?.() === 0;

/** @param {string} name @param {string} command @param {string[]} folders */
function installed(name, command, folders) {
  install(name);
  return find(command, folders);
}

/** @param {string} name */
function install(name) {
  if (!isRoot() || find("apt-get", []) === undefined) return;
  process.stderr.write(`${name} is missing: installing Debian's package\n`);
  // RUNLEVEL=1 keeps the package from starting a service: each round starts its own server.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  const apt = (/** @type {string[]} */ args) =>
    spawnSync("apt-get", args, { env, stdio: ["ignore", "ignore", "inherit"] });
  if (apt(["install", "-y", "--no-install-recommends", name]).status === 0) return;
  apt(["update"]);
  apt(["install", "-y", "--no-install-recommends", name]);
}
