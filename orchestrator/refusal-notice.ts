/** Says in the log that messages of the run log were refused: at once, then at most once a minute, however many there are. */
import type { RefusalCounter } from "../nats/index.ts";
import type { Logger } from "./logger.ts";

const SILENCE_MS = 60_000;

export function noticeRefusals(refusals: RefusalCounter, logger: Logger, now = () => performance.now()): void {
  let saidAt = Number.NEGATIVE_INFINITY;
  let unsaid = 0;
  refusals.onRefusal = (subject, reason) => {
    unsaid++;
    if (now() - saidAt < SILENCE_MS) return;
    logger.warn({ subject, reason, refused: unsaid, in_all: refusals.total }, "messages of the run log were refused");
    saidAt = now();
    unsaid = 0;
  };
}
