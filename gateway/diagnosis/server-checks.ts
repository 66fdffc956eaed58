/** The server itself: its version, its room, its clock, whether it keeps what it has acknowledged. */
import { JetStreamApiError, type JetStreamManager, jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { BUCKETS, requireServer, type TopologyReport } from "../../nats/index.ts";
import { DEFAULT_INLINE_BYTES } from "../../store/index.ts";
import { readServerClock } from "../server-clock.ts";
import { bytesText, type Check, isDenied, percent } from "./check.ts";

/** Of a limit, from here on it is worth a word, and from there on it is nearly over. */
const FILLING = 0.8;
const FULL = 0.95;
const SMALL_SKEW_MS = 1_000;
const LARGE_SKEW_MS = 60_000;
const NO_ROOM = new Set([10023, 10028, 10047, 10077]);

export async function checkServer(nc: NatsConnection): Promise<Check[]> {
  const { version, advice } = await requireServer(nc);
  const { server, rtt } = { server: nc.getServer(), rtt: await nc.rtt() };
  const message = `nats-server ${version} with JetStream at ${server}, ${rtt} ms away`;
  return [{ name: "server", level: "ok", message, ...(advice === undefined ? {} : { advice }) }];
}

export async function checkLimits(nc: NatsConnection, jsm: JetStreamManager): Promise<Check[]> {
  const checks: Check[] = [];
  const maxPayload = nc.info?.max_payload ?? 0;
  // A value that is not offloaded has to fit, with what stands around it.
  const wanted = 2 * DEFAULT_INLINE_BYTES;
  if (maxPayload < wanted) {
    checks.push({
      name: "max_payload",
      level: "warn",
      message: `the server takes messages up to ${bytesText(maxPayload)}; flows and results that are larger are refused`,
      advice: `set max_payload to ${bytesText(wanted)} or more (1 MB is the server's default)`,
    });
  }
  const { storage, memory, limits } = await jsm.getAccountInfo();
  const rooms = [
    { kind: "disk", used: storage, limit: limits.max_storage },
    { kind: "memory", used: memory, limit: limits.max_memory },
  ];
  for (const { kind, used, limit } of rooms) {
    if (limit <= 0 || used < limit * FILLING) continue;
    checks.push({
      name: `${kind} limit`,
      level: used >= limit * FULL ? "fail" : "warn",
      message: `${bytesText(used)} of the account's ${bytesText(limit)} are used (${percent(used, limit)})`,
      advice:
        kind === "disk"
          ? "raise the account's max_file, or keep less history: rayflow orchestrator --history-bytes or --history-age"
          : "raise the account's max_memory, or keep the queue on disk (--queue-storage file, at set-up)",
    });
  }
  return [...checks, await tryToWrite(nc)];
}

/** Whether a message can be stored at all: a full disk, a store without its majority. */
async function tryToWrite(nc: NatsConnection): Promise<Check> {
  const name = "storage";
  try {
    await jetstream(nc).publish(`$KV.${BUCKETS.cache}.doctor`, "", { timeout: 2_000, ttl: "2s" });
    return { name, level: "ok", message: "a message is stored when it is sent" };
  } catch (error) {
    if (isDenied(error)) return { name, level: "ok", message: "not tried: this user may only look" };
    const message = error instanceof Error ? error.message : String(error);
    const full = error instanceof JetStreamApiError && NO_ROOM.has(error.code);
    const advice = full
      ? "the server's store is full: raise max_file_store, or make room (rayflow orchestrator --history-bytes)"
      : "look at the server's log; in a cluster, whether a majority of its servers is up";
    return { name, level: "fail", message: `a message could not be stored: ${message}`, advice };
  }
}

export async function checkClock(jsm: JetStreamManager, now: () => number): Promise<Check[]> {
  const name = "clock";
  const clock = await readServerClock(jsm, now);
  if (clock === undefined) return [];
  const skewMs = clock.localMs - clock.serverMs;
  const surelyMs = Math.abs(skewMs) - clock.errorMs;
  if (surelyMs < SMALL_SKEW_MS) return [{ name, level: "ok", message: "this machine's and the server's agree" }];
  const message = `this machine is ${(Math.abs(skewMs) / 1000).toFixed(1)} s ${skewMs > 0 ? "ahead of" : "behind"} the server`;
  const advice = "deadlines, durations and traces are off by as much: keep clocks in step (chrony, ntpd)";
  return [{ name, level: surelyMs > LARGE_SKEW_MS ? "fail" : "warn", message, advice }];
}

/** What a server that fails would take with it, as far as a client can see. */
export function checkDurability(nc: NatsConnection, { infos, settings }: TopologyReport): Check[] {
  const name = "durability";
  const clustered = [...infos.values()].some(({ cluster }) => cluster?.name !== undefined);
  const checks: Check[] = [];
  for (const [stream, { cluster }] of infos) {
    const behind = (cluster?.replicas ?? []).filter(({ current, offline }) => offline === true || !current);
    if (behind.length === 0) continue;
    checks.push({
      name: "replicas",
      level: "warn",
      message: `${stream}: ${behind.map((peer) => `${peer.name} is ${peer.offline ? "away" : "behind"}`).join(", ")}`,
      advice: "bring the server back; with a majority of copies away nothing can be stored",
    });
  }
  if (settings.replicas > 1) {
    return [...checks, { name, level: "ok", message: `${settings.replicas} copies of each stream` }];
  }
  if (clustered) {
    const message = "one copy of each stream on a cluster: runs are lost with one disk";
    return [...checks, { name, level: "warn", message, advice: "rayflow orchestrator --replicas 3" }];
  }
  const fsync = "sync_interval: always in its jetstream block keeps what it acknowledged also when the machine fails";
  if (isLoopback(nc.getServer())) {
    return [...checks, { name, level: "ok", message: "one server of this machine: for development", advice: fsync }];
  }
  const message = "one server, one copy: runs are lost with its disk; by default it writes to disk every two minutes";
  return [...checks, { name, level: "warn", message, advice: `${fsync}; better: three servers and --replicas 3` }];
}

function isLoopback(server: string): boolean {
  return /^(?:\w+:\/\/)?(?:127\.|localhost\b|\[?::1\]?)/.test(server);
}
