/**
 * How the services are: each answers for itself on `rayflow.svc.health`, with the connections it holds. Who asks hears all
 * that are there.
 */
import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { toErrorInfo } from "../flow/index.ts";
import { decodeMessage, encodeMessage, subjects } from "../nats/index.ts";

/** Something that a service needs: `ok` answers, `down` does not, `unknown` was not asked yet. */
export const connectionHealth = z.object({
  name: z.string(),
  state: z.enum(["ok", "down", "unknown"]),
  /** Where it is, or what is wrong with it. */
  detail: z.string(),
});
export type ConnectionHealth = z.infer<typeof connectionHealth>;

export const serviceHealth = z.object({
  v: z.literal(1),
  /** `executor`, `context`, `gateway`. */
  service: z.string(),
  /** Of this process. */
  id: z.string(),
  version: z.string(),
  uptime_seconds: z.number(),
  connections: z.array(connectionHealth),
});
export type ServiceHealth = z.infer<typeof serviceHealth>;

export interface HealthOptions {
  readonly nc: NatsConnection;
  readonly service: string;
  readonly id: string;
  readonly version: string;
  /** Asked anew for each report; each should answer within a second. */
  readonly connections?: readonly { readonly name: string; readonly check: () => Promise<string> }[];
}

const HEALTH_SUBJECT = subjects.service("health");
/** A report is given again for this long, ms: many may ask. */
const KEPT_MS = 2_000;
const CHECK_MS = 1_000;

/** Answers those who ask, until disposed. */
export function reportHealth(options: HealthOptions): Disposable {
  const { nc, service, id, version, connections = [] } = options;
  const startedMs = Date.now();
  let known: { readonly atMs: number; readonly states: Promise<ConnectionHealth[]> } | undefined;
  const states = (): Promise<ConnectionHealth[]> => {
    if (known === undefined || Date.now() - known.atMs > KEPT_MS) {
      known = { atMs: Date.now(), states: Promise.all(connections.map(checked)) };
    }
    return known.states;
  };
  const subscription = nc.subscribe(HEALTH_SUBJECT, {
    callback: (error, message) => {
      if (error !== null) return;
      void states().then((found) => {
        const uptime = Math.floor((Date.now() - startedMs) / 1000);
        const report: ServiceHealth = { v: 1, service, id, version, uptime_seconds: uptime, connections: found };
        message.respond(encodeMessage(report));
      });
    },
  });
  return {
    [Symbol.dispose]: () => {
      if (!nc.isClosed()) subscription.unsubscribe();
    },
  };
}

async function checked({ name, check }: NonNullable<HealthOptions["connections"]>[number]): Promise<ConnectionHealth> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("does not answer")), CHECK_MS);
  });
  try {
    return { name, state: "ok", detail: await Promise.race([check(), late]) };
  } catch (error) {
    return { name, state: "down", detail: toErrorInfo(error).message };
  } finally {
    clearTimeout(timer);
  }
}

/** The services that answer within `waitMs`, by name and id. */
export async function askHealth(nc: NatsConnection, waitMs: number): Promise<ServiceHealth[]> {
  const found: ServiceHealth[] = [];
  try {
    for await (const message of await nc.requestMany(HEALTH_SUBJECT, "", { strategy: "timer", maxWait: waitMs })) {
      const decoded = decodeMessage(serviceHealth, message.data);
      if (decoded.ok) found.push(decoded.value);
    }
  } catch {
    // Nobody listens there at all.
  }
  return found.sort((a, b) => (`${a.service} ${a.id}` < `${b.service} ${b.id}` ? -1 : 1));
}
