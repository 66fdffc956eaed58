/**
 * Sits out a server that is away or coming back: what may be repeated without harm is asked again until it is answered.
 */
import { setTimeout as delay } from "node:timers/promises";
import { JetStreamApiError } from "@nats-io/jetstream";

/** Longest patience, ms: a node's own time limit ends the wait before that, if it has a shorter one. */
const PATIENCE_MS = 60_000;
const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 1_000;
/** Who answers nothing, or says that nobody is there to answer. */
const AWAY = new Set(["TimeoutError", "NoResponders", "NoRespondersError", "JetStreamNotEnabled", "RequestError"]);

/** Whether the server could not be asked, as opposed to having said no. What was asked for may have happened. */
export function isAway(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return error.status === 503;
  return error instanceof Error && AWAY.has(error.name);
}

/** `attempt` must do no harm when it is made twice. Throws what it throws, and the last failure when patience ends. */
export async function sitOut<T>(attempt: () => Promise<T>, patienceMs = PATIENCE_MS): Promise<T> {
  const until = performance.now() + patienceMs;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
    try {
      return await attempt();
    } catch (error) {
      if (!isAway(error) || performance.now() + waitMs > until) throw error;
      await delay(waitMs);
    }
  }
}
