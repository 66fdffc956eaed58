/** What a firing leads to: pure, so that every case of lateness can be tested. */
import { lastDue, nextDue, type ScheduledTrigger } from "../../flow/index.ts";

/** A firing that is served later than this was missed, ms. */
export const MISSED_AFTER_MS = 30_000;

export interface Firing {
  /** The time for which a run is started; undefined: none is. */
  readonly run: number | undefined;
  /** Whether it was missed: JetStream may have forgotten by now that this very time was served. */
  readonly missed: boolean;
  /** When it is due next; undefined: never again. */
  readonly next: number | undefined;
}

/**
 * `due` is when the trigger was due, `since` when it came to be. Served late, as after a time when no orchestrator ran,
 * all the firings of that time become one run, for the last of them, or none.
 */
export function settleFiring(trigger: ScheduledTrigger, due: number, since: number, now: number): Firing {
  if (due < since) return { run: undefined, missed: true, next: nextDue(trigger, Math.max(since, now)) };
  if (now - due <= MISSED_AFTER_MS) return { run: due, missed: false, next: nextDue(trigger, due) };
  if (trigger.catch_up === "skip") return { run: undefined, missed: true, next: nextDue(trigger, now) };
  const run = lastDue(trigger, due, now) ?? due;
  return { run, missed: true, next: nextDue(trigger, now) };
}
