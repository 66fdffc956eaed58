/** Two processes of each role, and how one after the other is ended by SIGTERM and followed by another. */
import { createServer } from "node:net";
import path from "node:path";
import { type RunningCommand, root, startRayflow } from "../rayflow-process.ts";

export type ReplicaRole = "orchestrator" | "actor" | "gateway";

export interface Replica {
  readonly role: ReplicaRole;
  /** Of a gateway. */
  readonly url: string;
  running: RunningCommand;
  /** From the signal until its successor is there. */
  restarting: boolean;
}

const READY = { orchestrator: /the orchestrator is up/, actor: /actor ready/, gateway: /gateway is up/ } as const;

/** Resolves when it does its work. A gateway that follows another one takes its port. */
export async function startReplica(role: ReplicaRole, natsUrl: string, ledger: string, port = 0): Promise<Replica> {
  const at = role === "gateway" && port === 0 ? await freePort() : port;
  const args = {
    orchestrator: [],
    actor: ["--nodes-dir", path.join(root, "tests", "chaos", "nodes")],
    gateway: ["--no-editor", "--port", String(at)],
  }[role];
  const running = startRayflow([role, "--server", natsUrl, ...args], { env: { CHAOS_LEDGER: ledger } });
  await running.until(READY[role]);
  return { role, url: `http://127.0.0.1:${at}`, running, restarting: false };
}

/** Ends it as a cluster does, waits for its end, starts the next. Gives the exit code. */
export async function roll(replica: Replica, natsUrl: string, ledger: string): Promise<number | null> {
  const ended = replica.running.ended;
  replica.restarting = true;
  replica.running.child.kill("SIGTERM");
  const { code } = await ended;
  const port = replica.role === "gateway" ? Number(new URL(replica.url).port) : 0;
  replica.running = (await startReplica(replica.role, natsUrl, ledger, port)).running;
  replica.restarting = false;
  return code;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
