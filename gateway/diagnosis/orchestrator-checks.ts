/** Who drives the partitions, and whether they keep up. */
import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { type PartitionView, readPartitions } from "../cluster.ts";
import { readLag } from "../partition-lag.ts";
import { askOrchestrators, type OrchestratorStatus } from "../request-reply.ts";
import { type Check, spanText } from "./check.ts";

const START_ONE = "start one: rayflow orchestrator";
/** How long to listen for orchestrators: they answer at once or not at all. */
const STATUS_WAIT_MS = 300;
/** So many times later than late is a fault. */
const MUCH_TOO_LATE = 6;

/** Leases say who holds partitions, also of orchestrators that do not answer; a dead one's go within seconds. */
export async function checkOrchestrators(nc: NatsConnection, partitions: number): Promise<Check[]> {
  const name = "orchestrators";
  const [leases, orchestrators] = await Promise.all([
    readPartitions(nc, partitions),
    askOrchestrators(nc, STATUS_WAIT_MS),
  ]);
  const free = leases.filter(({ owner }) => owner === null).map(({ partition }) => partition);
  const leased = partitions - free.length;
  const held = `${leased} of ${partitions} partitions are held`;
  const found = orchestrators.map(({ id, active_runs }) => `${id} with ${active_runs} runs`).join(", ");
  const checks: Check[] = [];
  if (leased === 0) {
    checks.push({ name, level: "fail", message: "no orchestrator holds a partition: runs wait", advice: START_ONE });
  } else if (free.length > 0) {
    const message = `${held} (${found}); nobody holds ${free.join(", ")}`;
    checks.push({ name, level: "warn", message, advice: "they are taken within seconds; if not, look at its log" });
  } else if (orchestrators.length === 0) {
    const advice = "it may hang, or be another version: look at its log";
    checks.push({ name, level: "warn", message: `${held}, but no orchestrator answers`, advice });
  } else checks.push({ name, level: "ok", message: `${held} (${found})` });
  return [...checks, ...checkFences(leases, orchestrators), refusedMessages(orchestrators)];
}

/** One partition in two hands does no harm to its runs, and all of its work is done twice. */
function checkFences(leases: readonly PartitionView[], orchestrators: readonly OrchestratorStatus[]): Check[] {
  const name = "fencing";
  const ids = orchestrators.map(({ id }) => id);
  const twice = [...new Set(ids.filter((id, at) => ids.indexOf(id) !== at))];
  if (twice.length > 0) {
    const message = `several orchestrators call themselves ${twice.join(", ")}: each takes the other's partitions for its own`;
    return [{ name, level: "fail", message, advice: "give each an id of its own, or none" }];
  }
  return leases.flatMap(({ partition, owner }) => {
    const drivers = orchestrators.filter(({ partitions }) => partitions.includes(partition)).map(({ id }) => id);
    if (drivers.length < 2) return [];
    const message = `${drivers.join(" and ")} both drive partition ${partition}; its lease is ${owner ?? "nobody"}'s`;
    const advice = "within a lease's time one gives way; if not, its clock stands or its process hangs: restart it";
    return [{ name, level: "warn" as const, message, advice }];
  });
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

/** A checkpoint that is old is no fault as long as there is nothing to add to it. */
export async function checkLags(
  nc: NatsConnection,
  jsm: JetStreamManager,
  partitions: number,
  { nowMs, lateAfterMs }: { readonly nowMs: number; readonly lateAfterMs: number },
): Promise<Check[]> {
  const name = "partitions";
  const views = await readPartitions(nc, partitions);
  const lags = await Promise.all(
    views.map(async (view) => ({
      ...view,
      lag: await readLag(nc, jsm, view.partition, view.emitted_through ?? 0, nowMs),
    })),
  );
  const late = lags.filter(({ lag }) => lag.seconds * 1000 > lateAfterMs);
  if (late.length === 0) return [{ name, level: "ok", message: "all keep up with their log" }];
  return late.map(({ partition, owner, lag, checkpoint_at }) => {
    const written =
      checkpoint_at === null
        ? "none was ever written"
        : `the last is ${spanText((nowMs - Date.parse(checkpoint_at)) / 1000)} old`;
    return {
      name: `partition ${partition}`,
      level: lag.seconds * 1000 > lateAfterMs * MUCH_TOO_LATE || owner === null ? ("fail" as const) : ("warn" as const),
      message: `${lag.messages} messages are not carried out, the oldest for ${spanText(lag.seconds)}; checkpoint: ${written}`,
      advice:
        owner === null
          ? START_ONE
          : `${owner} does not keep up: look at its log and its load; more orchestrators share the partitions out`,
    };
  });
}
