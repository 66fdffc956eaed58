/** The time that the service waits by. The simulation has its own, in which nothing takes real time. */
import { setTimeout as delay } from "node:timers/promises";
import { afterTurn } from "../nats/index.ts";

export interface Clock {
  /** Ms since 1970. */
  now(): number;
  sleep(ms: number): Promise<void>;
  /** Does something every so many ms, until what it gives is called. */
  every(ms: number, task: () => void): () => void;
  /** Does something once this turn of the event loop is over. */
  soon(task: () => void): void;
}

/** Real time; waiting by it does not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms) => delay(ms, undefined, { ref: false }),
  every: (ms, task) => {
    const timer = setInterval(task, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
  soon: afterTurn,
};
