/** What waits for actors and orchestrators: whether somebody takes it, and keeps what he takes. */
import { setTimeout as delay } from "node:timers/promises";
import { type ConsumerInfo, JetStreamApiError, type JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { ORCHESTRATOR_CONSUMER, STREAMS, type TopologyReport } from "../../nats/index.ts";
import { FlowRegistry, NodeCatalog } from "../../store/index.ts";
import { type Check, spanText } from "./check.ts";

const MAX_NAMED = 5;

async function readQueues(jsm: JetStreamManager): Promise<ConsumerInfo[]> {
  const found: ConsumerInfo[] = [];
  for await (const info of jsm.consumers.list(STREAMS.nodes)) found.push(info);
  return found;
}

function isServed({ num_waiting, num_ack_pending }: ConsumerInfo): boolean {
  return num_waiting > 0 || num_ack_pending > 0;
}

/** `sampleMs`: how long to watch for redeliveries that grow; 0: not at all. */
export async function checkQueues(nc: NatsConnection, jsm: JetStreamManager, sampleMs: number): Promise<Check[]> {
  const queues = await readQueues(jsm);
  const [redelivered, flows] = await Promise.all([checkRedeliveries(jsm, queues, sampleMs), checkFlows(nc, queues)]);
  return [...checkActors(queues), ...flows, ...redelivered];
}

function checkActors(queues: readonly ConsumerInfo[]): Check[] {
  const name = "actors";
  const served = queues.filter(isServed);
  const starving = queues.filter((queue) => !isServed(queue) && queue.num_pending > 0);
  if (served.length === 0 && starving.length === 0) {
    return [{ name, level: "fail", message: "no actor serves any node type", advice: "start one: rayflow actor" }];
  }
  const checks: Check[] = starving.map(({ name: type, num_pending }) => ({
    name: `actor ${type}`,
    level: "fail",
    message: `${num_pending} messages wait and nobody serves ${type}`,
    advice: `start one: rayflow actor --types ${type}`,
  }));
  if (served.length > 0) checks.unshift({ name, level: "ok", message: `${served.length} node types are served` });
  const idle = queues.filter((queue) => !isServed(queue) && queue.num_pending === 0).map((queue) => queue.name);
  if (idle.length > 0) {
    checks.push({
      name: "actors gone",
      level: "warn",
      message: `${idle.length} node types are known and not served now: ${named(idle)}`,
      advice: "flows that use them will wait: start rayflow actor",
    });
  }
  return checks;
}

/** Deployed flows that could not run if they were started now. */
async function checkFlows(nc: NatsConnection, queues: readonly ConsumerInfo[]): Promise<Check[]> {
  const [registry, catalog] = await Promise.all([FlowRegistry.open(nc), NodeCatalog.open(nc)]);
  const [deployed, types] = await Promise.all([registry.list(), catalog.list()]);
  const served = new Set(queues.filter(isServed).map(({ name }) => name));
  const needsNoActor = new Set(types.filter(({ kind }) => kind !== "actor").map(({ type }) => type));
  const missing = new Map<string, string[]>();
  for (const { name } of deployed) {
    const flow = await registry.resolve(name);
    for (const type of new Set(flow?.nodes.map((node) => node.type))) {
      if (!served.has(type) && !needsNoActor.has(type)) missing.set(type, [...(missing.get(type) ?? []), name]);
    }
  }
  return [...missing].map(([type, flows]) => ({
    name: `type ${type}`,
    level: "fail" as const,
    message: `no actor serves it, and deployed flows use it: ${named(flows)}`,
    advice: `start one: rayflow actor --types ${type}`,
  }));
}

async function checkRedeliveries(
  jsm: JetStreamManager,
  before: readonly ConsumerInfo[],
  sampleMs: number,
): Promise<Check[]> {
  const again = before.filter(({ num_redelivered }) => num_redelivered > 0);
  if (again.length === 0)
    return [{ name: "redeliveries", level: "ok", message: "nothing that runs was delivered twice" }];
  if (sampleMs > 0) await delay(sampleMs);
  const after = new Map((sampleMs > 0 ? await readQueues(jsm) : before).map((queue) => [queue.name, queue]));
  return again.map(({ name: type, num_redelivered, config }) => {
    const now = after.get(type)?.num_redelivered ?? 0;
    const grows = now > num_redelivered ? `, and ${now - num_redelivered} more in ${spanText(sampleMs / 1000)}` : "";
    const ackWait = spanText(Number(config.ack_wait ?? 0) / 1e9);
    return {
      name: `actor ${type}`,
      level: "warn" as const,
      message: `${num_redelivered} messages were delivered more than once${grows}`,
      advice: `actors are lost or hang over them for more than ${ackWait}: look at the actors' logs, and at their memory`,
    };
  });
}

/** Submissions and fired timers: orchestrators take them at once. */
export async function checkIntake(
  jsm: JetStreamManager,
  { infos }: TopologyReport,
  { nowMs, lateAfterMs }: { readonly nowMs: number; readonly lateAfterMs: number },
): Promise<Check[]> {
  const submit = infos.get(STREAMS.submit);
  const checks: Check[] = [];
  if (submit !== undefined && submit.state.messages > 0) {
    const seconds = (nowMs - Date.parse(String(submit.state.first_ts))) / 1000;
    if (seconds * 1000 > lateAfterMs) {
      checks.push({
        name: "submissions",
        level: "fail",
        message: `${submit.state.messages} wait, the oldest for ${spanText(seconds)}`,
        advice: "no orchestrator takes them: start one, or look at its log (rayflow orchestrator)",
      });
    }
  }
  const timers = await consumerOf(jsm, STREAMS.timers);
  if (timers !== undefined && timers.num_waiting === 0 && timers.num_pending > 0) {
    checks.push({
      name: "timers",
      level: "fail",
      message: `${timers.num_pending} have fired and nobody takes them: sleeps and retries stand still`,
      advice: "start an orchestrator: rayflow orchestrator",
    });
  }
  if (checks.length > 0) return checks;
  return [{ name: "submissions", level: "ok", message: "none waits" }];
}

async function consumerOf(jsm: JetStreamManager, stream: string): Promise<ConsumerInfo | undefined> {
  try {
    return await jsm.consumers.info(stream, ORCHESTRATOR_CONSUMER);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.status === 404) return undefined;
    throw error;
  }
}

function named(all: readonly string[]): string {
  const more = all.length - MAX_NAMED;
  return all.slice(0, MAX_NAMED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
