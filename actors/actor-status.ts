/** What an actor says of itself to those who ask on `rayflow.svc.actors`: who is there, and what for. */
import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { decodeMessage, encodeMessage, subjects, WIRE_VERSION } from "../nats/index.ts";
import type { WorkloadCounters } from "./workload.ts";

export const actorStatus = z.object({
  v: z.literal(WIRE_VERSION),
  id: z.string(),
  types: z.array(z.string()),
  /** Entries that run now. */
  running: z.number().int(),
  /** Since it started. */
  executed: z.number().int(),
  failed: z.number().int(),
});
export type ActorStatus = z.infer<typeof actorStatus>;

const SUBJECT = subjects.service("actors");

/** Answers for this actor; gives what ends that. */
export function answerStatus(
  nc: NatsConnection,
  actor: { readonly id: string; readonly types: readonly string[]; readonly counters: Readonly<WorkloadCounters> },
): () => void {
  const asked = nc.subscribe(SUBJECT, {
    callback: (error, message) => {
      // An account that does not let it answer loses nothing but this.
      if (error !== null) return;
      const { inFlight: running, executed, failed } = actor.counters;
      const status: ActorStatus = { v: WIRE_VERSION, id: actor.id, types: [...actor.types], running, executed, failed };
      message.respond(encodeMessage(status));
    },
  });
  return () => asked.unsubscribe();
}

/** The actors that answer within `waitMs`, in no order. */
export async function askActors(nc: NatsConnection, waitMs: number): Promise<ActorStatus[]> {
  const found: ActorStatus[] = [];
  try {
    for await (const message of await nc.requestMany(SUBJECT, "", { strategy: "timer", maxWait: waitMs })) {
      const decoded = decodeMessage(actorStatus, message.data);
      if (decoded.ok) found.push(decoded.value);
    }
  } catch {
    // Nobody listens there at all.
  }
  return found;
}
