/**
 * The processes that are measured: a nats-server, orchestrators, actors and a load generator, each a process of its own.
 *
 * H1. A process is only ever signalled through the handle that `spawn` gave.
 * H2. Whatever fails, `close` ends all that was started and removes its files; what a bench that was killed leaves
 *     behind ends by itself (reaper.ts).
 */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type EmbeddedServer, startEmbeddedServer } from "../nats/index.ts";
import { reap } from "./reaper.ts";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const benchNodes = path.join(root, "bench", "nodes");
const STOP_MS = 10_000;
const START_MS = 60_000;

export type Durability = "default" | "always";

/** A process that said it is ready. */
export interface Running {
  readonly pid: number;
  readonly child: ChildProcess;
  kill(signal: NodeJS.Signals): Promise<void>;
  close(): Promise<void>;
}

/** Starts `node` with these arguments and resolves once what it writes to stderr fits `ready`. */
export function startNode(
  args: readonly string[],
  ready: RegExp,
  cwd: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const { NATS_URL: _, RAYFLOW_LOG_LEVEL: __, NODE_OPTIONS: ___, ...own } = process.env;
  // What is measured exports what the bench says, not what this shell would.
  const env = Object.fromEntries(Object.entries(own).filter(([name]) => !name.startsWith("OTEL_")));
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...env, NO_COLOR: "1", ...more },
    stdio: ["ignore", "ignore", "pipe"],
  });
  reap(child);
  return new Promise((resolve, reject) => {
    let written = "";
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`${args.join(" ")} is not ready after ${START_MS / 1000} s:\n${written}`));
    }, START_MS);
    const ended = new Promise<void>((done) => child.once("exit", () => done()));
    child.once("error", reject);
    void ended.then(() => reject(new Error(`${args.join(" ")} ended:\n${written}`)));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      written = (written + text).slice(-20_000);
      if (!ready.test(written)) return;
      clearTimeout(timer);
      resolve(runningOf(child, ended));
    });
  });
}

function runningOf(child: ChildProcess, ended: Promise<void>): Running {
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
  };
  return {
    pid: child.pid ?? 0,
    child,
    kill,
    close: async () => {
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      await kill("SIGTERM");
      clearTimeout(timer);
    },
  };
}

/** Forks a TypeScript file of the bench and resolves with it once it has sent its first message. */
export function forkScript(file: string, args: readonly string[], execArgv: readonly string[] = []): Promise<Running> {
  const child = fork(path.join(root, "bench", file), args, { execArgv: ["--import", "tsx", ...execArgv], cwd: root });
  reap(child);
  return new Promise((resolve, reject) => {
    const ended = new Promise<void>((done) => child.once("exit", () => done()));
    child.once("error", reject);
    void ended.then(() => reject(new Error(`bench/${file} ended before it was ready`)));
    child.once("message", () => resolve(runningOf(child, ended)));
  });
}

/** Sends a request and resolves with the next message. Rejects when the process ends, or answers `failed`. */
export function ask<A extends { readonly type: string }>(running: Running, request: unknown): Promise<A> {
  const { child } = running;
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error("the process ended before it answered"));
    child.once("exit", onExit);
    child.once("message", (answer: A & { message?: string }) => {
      child.off("exit", onExit);
      if (answer.type === "failed") reject(new Error(answer.message));
      else resolve(answer);
    });
    child.send(request as object);
  });
}

export interface StackOptions {
  readonly durability: Durability;
  /** A checkout with a built dist/. Default: this one. */
  readonly checkout?: string;
  readonly orchestrators?: number;
  readonly actors?: number;
  readonly orchestratorArgs?: readonly string[];
  readonly actorArgs?: readonly string[];
  /** Where V8's profiles of orchestrators and actors go when they end. Default: none are made. */
  readonly profiles?: string;
  /** Further variables of orchestrators and actors. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Stack {
  readonly server: EmbeddedServer;
  readonly folder: string;
  readonly load: Running;
  readonly orchestrators: Running[];
  readonly actors: Running[];
  /** Of each kind of process, for its processor time. */
  readonly pids: Readonly<Record<string, readonly number[]>>;
  /** Runs a `rayflow` command against the server; resolves with what it prints. */
  command(...args: string[]): Promise<string>;
  startOrchestrator(): Promise<Running>;
  /** Deploys a flow under its own name. */
  deploy(name: string, flow: unknown): Promise<void>;
  close(): Promise<void>;
}

export function startServer(durability: Durability): Promise<EmbeddedServer> {
  return startEmbeddedServer({ syncAlways: durability === "always" });
}

export async function startStack(options: StackOptions): Promise<Stack> {
  const cli = path.join(options.checkout ?? root, "dist", "cli", "main.js");
  const folder = mkdtempSync(path.join(tmpdir(), "rayflow-bench-"));
  const server = await startServer(options.durability);
  const orchestrators: Running[] = [];
  const actors: Running[] = [];
  const loads: Running[] = [];
  const deployed = new Set<string>();
  const at = ["--server", server.url];
  const profiled = (name: string): string[] =>
    options.profiles === undefined
      ? []
      : ["--cpu-prof", "--cpu-prof-dir", options.profiles, "--cpu-prof-name", `${name}.cpuprofile`];
  const startOrchestrator = async (): Promise<Running> => {
    const args = [...profiled("orchestrator"), cli, "orchestrator", ...at, ...(options.orchestratorArgs ?? [])];
    const started = await startNode(args, /orchestrator is up/, folder, options.env);
    orchestrators.push(started);
    return started;
  };
  const startActor = async (): Promise<void> => {
    const args = [...profiled("actor"), cli, "actor", ...at, "--nodes-dir", benchNodes, ...(options.actorArgs ?? [])];
    actors.push(await startNode(args, /actor ready/, folder, options.env));
  };
  const close = async (): Promise<void> => {
    await Promise.all([...loads, ...actors, ...orchestrators].map((one) => one.close()));
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const command = (...args: string[]): Promise<string> => runNode([cli, ...args, ...at], folder);
  try {
    for (let i = 0; i < (options.orchestrators ?? 1); i++) await startOrchestrator();
    for (let i = 0; i < (options.actors ?? 1); i++) await startActor();
    const load = await forkScript("load/main.ts", [server.url]);
    loads.push(load);
    return {
      server,
      folder,
      load,
      orchestrators,
      actors,
      get pids() {
        return {
          nats: [server.pid],
          orchestrator: orchestrators.map(({ pid }) => pid),
          actor: actors.map(({ pid }) => pid),
        };
      },
      command,
      startOrchestrator,
      deploy: async (name, flow) => {
        if (deployed.has(name)) return;
        const file = path.join(folder, `${name}.json`);
        writeFileSync(file, JSON.stringify(flow));
        await command("deploy", file, "--name", name);
        deployed.add(name);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Runs `node` with these arguments to its end; resolves with what it printed. @throws Error when it fails */
export function runNode(args: readonly string[], cwd: string): Promise<string> {
  const { NATS_URL: _, NODE_OPTIONS: __, ...env } = process.env;
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  reap(child);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 ? resolve(stdout) : reject(new Error(`${args.join(" ")} ended with ${code}:\n${stdout}${stderr}`)),
    );
  });
}
