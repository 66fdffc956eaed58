/** The system under test: a server and one process of each role, started from dist/, and what can be measured of them. */
import { readdirSync, readFileSync } from "node:fs";
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { connectNats, STREAMS, startEmbeddedServer } from "../../nats/index.ts";
import { type RunningCommand, startRayflow, temporaryFolder } from "../rayflow-process.ts";
import { type Sabotage, sabotageEnv } from "./sabotage.ts";

export interface Figures {
  /** Resident memory of each process, MiB. */
  readonly rssMib: Readonly<Record<string, number>>;
  /** Open files of each process. */
  readonly handles: Readonly<Record<string, number>>;
  /** Messages in each stream. */
  readonly messages: Readonly<Record<string, number>>;
}

export interface System {
  readonly nc: NatsConnection;
  /** Where the gateway listens. */
  readonly http: string;
  /** Names of processes that have ended, with their last words. */
  readonly ended: () => string[];
  readonly figures: () => Promise<Figures>;
  readonly stop: () => Promise<void>;
}

const ROLES = ["orchestrator", "actor", "gateway"] as const;

export async function startSystem(sabotage?: Sabotage): Promise<System> {
  const server = await startEmbeddedServer();
  const folder = temporaryFolder();
  const env = { RAYFLOW_LOG_LEVEL: "info", RAYFLOW_SECRET_X: "fuzz-secret", ...sabotageEnv(sabotage) };
  const start = (...args: string[]) => startRayflow([...args, "--server", server.url], { cwd: folder.path, env });
  const commands = new Map<string, RunningCommand>();
  // Whatever ends this process: the others would stay.
  const killAll = (): void => {
    for (const { child } of commands.values()) child.kill("SIGKILL");
  };
  process.once("exit", killAll);
  try {
    commands.set("orchestrator", start("orchestrator", "--limit", "executions=20000", "--limit", "active_runs=5000"));
    commands.set("actor", start("actor", "--files-root", folder.path));
    commands.set("gateway", start("gateway", "--port", "0", "--no-editor"));
    await Promise.all([
      commands.get("orchestrator")?.until(/orchestrator is up/),
      commands.get("actor")?.until(/actor ready/),
      commands.get("gateway")?.until(/http:\/\/127\.0\.0\.1:\d+/),
    ]);
    const gateway = commands.get("gateway");
    const http = /http:\/\/127\.0\.0\.1:\d+/.exec(`${gateway?.stdout}${gateway?.stderr}`)?.[0] ?? "";
    const nc = await connectNats({ name: "fuzz", servers: server.url });
    return {
      nc,
      http,
      ended: () =>
        [...commands].flatMap(([name, { child, stderr, stdout }]) =>
          child.exitCode === null && child.signalCode === null
            ? []
            : [`${name} ended with ${child.exitCode ?? child.signalCode}: ${(stdout + stderr).slice(-3_000)}`],
        ),
      figures: () => measure(nc, commands),
      stop: async () => {
        await nc.close();
        for (const { child } of commands.values()) child.kill("SIGTERM");
        const killed = setTimeout(killAll, 20_000);
        await Promise.all([...commands.values()].map(({ ended }) => ended));
        clearTimeout(killed);
        process.off("exit", killAll);
        await server.stop();
        folder.remove();
      },
    };
  } catch (error) {
    killAll();
    await server.stop();
    folder.remove();
    throw error;
  }
}

async function measure(nc: NatsConnection, commands: ReadonlyMap<string, RunningCommand>): Promise<Figures> {
  const rssMib: Record<string, number> = {};
  const handles: Record<string, number> = {};
  for (const name of ROLES) {
    const pid = commands.get(name)?.child.pid ?? 0;
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    rssMib[name] = Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
    handles[name] = readdirSync(`/proc/${pid}/fd`).length;
  }
  const messages: Record<string, number> = {};
  const { streams } = await jetstreamManager(nc);
  for (const stream of Object.values(STREAMS)) messages[stream] = (await streams.info(stream)).state.messages;
  return { rssMib, handles, messages };
}
