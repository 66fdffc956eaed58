/** What `rayflow doctor` and `/api/admin/status` find out about a server: one check a line, each with what to do about it. */
import { JetStreamApiError, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { RayflowError, toErrorInfo } from "../flow/index.ts";
import { ensureTopology, requireServer, STREAMS } from "../nats/index.ts";
import { readActors, readPartitions } from "./cluster.ts";
import { askOrchestrators, type OrchestratorStatus } from "./request-reply.ts";

export type Level = "ok" | "warn" | "fail";

export interface Check {
  readonly name: string;
  readonly level: Level;
  readonly message: string;
  readonly advice?: string;
}

const START_ONE = "start one: rayflow orchestrator";
/** How long to listen for orchestrators: they answer at once or not at all. */
const STATUS_WAIT_MS = 300;

/** All checks of a server that is connected. Never throws: what goes wrong is a check that fails. */
export async function diagnose(nc: NatsConnection): Promise<Check[]> {
  const server = await check("server", () => checkServer(nc));
  if (server.some(({ level }) => level === "fail")) return server;
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const streams = await check("streams", () => checkStreams(jsm));
  if (streams.some(({ level }) => level === "fail")) return [...server, ...streams];
  const rest = await Promise.all([
    check("orchestrators", () => checkOrchestrators(nc)),
    check("actors", () => checkActors(jsm)),
  ]);
  return [...server, ...streams, ...rest.flat()];
}

async function check(name: string, run: () => Promise<Check[]>): Promise<Check[]> {
  try {
    return await run();
  } catch (error) {
    const { code, message } = toErrorInfo(error);
    return [{ name, level: "fail", message: `${code}: ${message}` }];
  }
}

async function checkServer(nc: NatsConnection): Promise<Check[]> {
  const { version, advice } = await requireServer(nc);
  const { server, rtt } = { server: nc.getServer(), rtt: await nc.rtt() };
  const message = `nats-server ${version} with JetStream at ${server}, ${rtt} ms away`;
  return [{ name: "server", level: "ok", message, ...(advice === undefined ? {} : { advice }) }];
}

async function checkStreams(jsm: JetStreamManager): Promise<Check[]> {
  const infos = await Promise.all(Object.values(STREAMS).map((name) => streamInfo(jsm, name)));
  const missing = Object.values(STREAMS).filter((_, at) => infos[at] === undefined);
  if (missing.length > 0) {
    const message = `missing: ${missing.join(", ")}`;
    return [
      {
        name: "streams",
        level: "fail",
        message,
        advice: "start an orchestrator, it sets them up: rayflow orchestrator",
      },
    ];
  }
  return infos.flatMap((info) =>
    info === undefined
      ? []
      : [{ name: info.name, level: "ok" as const, message: `${info.messages} messages, ${kib(info.bytes)}` }],
  );
}

async function streamInfo(jsm: JetStreamManager, name: string) {
  try {
    const { state } = await jsm.streams.info(name);
    return { name, messages: state.messages, bytes: state.bytes };
  } catch (error) {
    if (error instanceof JetStreamApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** Leases say who holds partitions, also of orchestrators that do not answer; a dead one's go within seconds. */
async function checkOrchestrators(nc: NatsConnection): Promise<Check[]> {
  const name = "orchestrators";
  const { partitions } = await ensureTopology(nc);
  const [leases, orchestrators] = await Promise.all([
    readPartitions(nc, partitions),
    askOrchestrators(nc, STATUS_WAIT_MS),
  ]);
  const leased = leases.filter(({ owner }) => owner !== null).length;
  const free = partitions - leased;
  const held = `${leased} of ${partitions} partitions are held`;
  const found = orchestrators.map(({ id, active_runs }) => `${id} with ${active_runs} runs`).join(", ");
  const checks: Check[] = [];
  if (leased === 0) {
    checks.push({ name, level: "fail", message: "no orchestrator holds a partition: runs wait", advice: START_ONE });
  } else if (free > 0) {
    checks.push({ name, level: "warn", message: `${held} (${found})`, advice: "the rest are taken within seconds" });
  } else if (orchestrators.length === 0) {
    const advice = "it may hang, or be another version: look at its log";
    checks.push({ name, level: "warn", message: `${held}, but no orchestrator answers`, advice });
  } else checks.push({ name, level: "ok", message: `${held} (${found})` });
  return [...checks, refusedMessages(orchestrators)];
}

function refusedMessages(orchestrators: readonly OrchestratorStatus[]): Check {
  const name = "refused messages";
  const families = orchestrators.flatMap(({ refused }) => Object.entries(refused));
  const total = families.reduce((sum, [, { count }]) => sum + count, 0);
  const last = families[0];
  if (last === undefined) return { name, level: "ok", message: "none since the orchestrators started" };
  return {
    name,
    level: "warn",
    message: `${total} since the orchestrators started; one on ${last[0]}: ${last[1].last_reason}`,
    advice: "publishers hear the reason on the subject in their Rayflow-Reply header",
  };
}

async function checkActors(jsm: JetStreamManager): Promise<Check[]> {
  const name = "actors";
  const found = await readActors(jsm);
  const served = found.filter(({ waiting, running }) => waiting > 0 || running > 0);
  const starving = found.filter(({ waiting, running, queued }) => waiting === 0 && running === 0 && queued > 0);
  if (served.length === 0 && starving.length === 0) {
    return [{ name, level: "fail", message: "no actor serves any node type", advice: "start one: rayflow actor" }];
  }
  const checks: Check[] = starving.map(({ type, queued }) => ({
    name: `actor ${type}`,
    level: "fail",
    message: `${queued} messages wait and nobody serves ${type}`,
    advice: `start one: rayflow actor --types ${type}`,
  }));
  if (served.length > 0) checks.unshift({ name, level: "ok", message: `${served.length} node types are served` });
  const idle = found.length - served.length - starving.length;
  if (idle > 0) {
    checks.push({
      name: "actors gone",
      level: "warn",
      message: `${idle} node types were served once and are not now`,
      advice: "flows that use them will wait: start rayflow actor",
    });
  }
  return checks;
}

/** The check that stands for a server that could not be reached. */
export function unreachable(error: unknown): Check {
  const { code, message } = error instanceof RayflowError ? error : toErrorInfo(error);
  return {
    name: "server",
    level: "fail",
    message: `${code}: ${message}`,
    advice: "start `rayflow dev`, or name a server with --server",
  };
}

function kib(bytes: number): string {
  return bytes < 1024 ? `${bytes} bytes` : `${(bytes / 1024).toFixed(1)} KiB`;
}
