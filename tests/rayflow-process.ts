/** Drives the built `rayflow` command as a process, as a user's shell would. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const command = path.join(root, "dist", "cli", "main.js");

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CallOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads on standard input. */
  readonly input?: string;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  /** What it wrote so far. */
  readonly stdout: string;
  readonly stderr: string;
  readonly ended: Promise<Outcome>;
  /** Resolves when what it wrote fits; rejects when it ends before. */
  until(pattern: RegExp): Promise<string>;
}

/** Starts `rayflow` with these arguments. The environment names no server. */
export function startRayflow(args: readonly string[], options: CallOptions = {}): RunningCommand {
  const { NATS_URL: _, RAYFLOW_LOG_LEVEL: __, ...env } = process.env;
  const child = spawn(process.execPath, [command, ...args], {
    cwd: options.cwd ?? root,
    env: { ...env, NO_COLOR: "1", ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  const listeners = new Set<() => void>();
  const hear = (): void => {
    for (const listener of listeners) listener();
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    hear();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    hear();
  });
  // It may end without having read its input.
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  const ended = new Promise<Outcome>((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
  return {
    child,
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    ended,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!pattern.test(stdout + stderr)) return;
          listeners.delete(look);
          resolve(stdout + stderr);
        };
        listeners.add(look);
        void ended.then(({ code }) =>
          reject(new Error(`ended with ${code} before it wrote ${pattern}:\n${stdout}\n${stderr}`)),
        );
        look();
      }),
  };
}

export function rayflow(args: readonly string[], options: CallOptions = {}): Promise<Outcome> {
  return startRayflow(args, options).ended;
}

/** A server with orchestrator and actors, shared by the tests of a file. */
export async function startDev(args: readonly string[] = [], options: CallOptions = {}) {
  const folder = temporaryFolder();
  const dev = startRayflow(
    ["dev", "--json", "--no-example", "--port", "65535", "--data-dir", path.join(folder.path, "data"), ...args],
    { cwd: folder.path, ...options },
  );
  await dev.until(/"url": "[^"]+"[\s\S]*\n\}/);
  const { url } = JSON.parse(dev.stdout) as { url: string };
  return {
    ...dev,
    url,
    stop: async (): Promise<Outcome> => {
      dev.child.kill("SIGTERM");
      const outcome = await dev.ended;
      folder.remove();
      return outcome;
    },
  };
}

export function temporaryFolder(prefix = "rayflow test "): { path: string; remove: () => void } {
  const folder = mkdtempSync(path.join(tmpdir(), prefix));
  return { path: folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** All processes that this one started, and theirs. Empty where there is no /proc. */
export function descendantsOf(pid: number): number[] {
  if (!existsSync("/proc/self/stat")) return [];
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    const parent = /^\d+$/.test(entry) ? parentOf(Number(entry)) : undefined;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const collect = (of: number): number[] => (children.get(of) ?? []).flatMap((child) => [child, ...collect(child)]);
  return collect(pid);
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold anything; after it come state and parent.
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined;
  }
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie has ended; only its parent has not looked yet.
    return !/\) Z /.test(existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, "utf8") : "");
  } catch {
    return false;
  }
}
