/** Doing something until it has succeeded: the fold has moved on, so giving up would lose work. */
import type { Clock } from "./clock.ts";
import type { Logger } from "./logger.ts";

export interface PersistOptions {
  /** For people. */
  readonly what: string;
  /** Asked before each attempt, and after each that failed. */
  readonly isWanted: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 2_000;

/** Whether an attempt succeeded before nobody wanted it any more. */
export async function persist(attempt: () => Promise<unknown>, options: PersistOptions): Promise<boolean> {
  const { what, isWanted, clock, logger } = options;
  for (let waitMs = FIRST_RETRY_MS; isWanted(); waitMs = Math.min(waitMs * 2, LONGEST_RETRY_MS)) {
    try {
      await attempt();
      return true;
    } catch (error) {
      if (!isWanted()) return false;
      logger.warn({ what, err: error }, "a publish was not acknowledged; trying again");
      await clock.sleep(waitMs);
    }
  }
  return false;
}
