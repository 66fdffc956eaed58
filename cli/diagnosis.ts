/** What `rayflow doctor` finds out about a server: one check a line, each with what to do about it. */
import { JetStreamApiError, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { RayflowError, toErrorInfo } from "../flow/index.ts";
import { BUCKETS, bucketStream, requireServer, STREAMS } from "../nats/index.ts";

export type Level = "ok" | "warn" | "fail";

export interface Check {
  readonly name: string;
  readonly level: Level;
  readonly message: string;
  readonly advice?: string;
}

/** All checks of a server that is connected. Never throws: what goes wrong is a check that fails. */
export async function diagnose(nc: NatsConnection): Promise<Check[]> {
  const server = await check("server", () => checkServer(nc));
  if (server.some(({ level }) => level === "fail")) return server;
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const streams = await check("streams", () => checkStreams(jsm));
  if (streams.some(({ level }) => level === "fail")) return [...server, ...streams];
  const rest = await Promise.all([
    check("orchestrators", () => checkOrchestrators(jsm)),
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

/** A lease is an entry of the leases bucket; it goes by itself when its holder does not renew it. */
async function checkOrchestrators(jsm: JetStreamManager): Promise<Check[]> {
  const name = "orchestrators";
  const advice = "start one: rayflow orchestrator";
  const info = await jsm.streams.info(bucketStream(BUCKETS.leases), { subjects_filter: `$KV.${BUCKETS.leases}.>` });
  const leases = Object.keys(info.state.subjects ?? {}).length;
  if (leases === 0) return [{ name, level: "fail", message: "no orchestrator holds a partition: runs wait", advice }];
  return [{ name, level: "ok", message: `${leases} leases are held` }];
}

async function checkActors(jsm: JetStreamManager): Promise<Check[]> {
  const name = "actors";
  const found: { type: string; waiting: number; queued: number; running: number }[] = [];
  for await (const info of jsm.consumers.list(STREAMS.nodes)) {
    found.push({
      type: info.name,
      waiting: info.num_waiting,
      queued: info.num_pending,
      running: info.num_ack_pending,
    });
  }
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
