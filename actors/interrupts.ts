/** Waits that end before their time: when the connection is back, or when there is nothing to wait for any more. */
import { RayflowError } from "../flow/index.ts";

/**
 * The client leaves a request unanswered until its timeout when the connection breaks in between. Whoever waits here
 * learns of the new connection at once.
 */
export class Interrupts {
  readonly #wakes = new Set<() => void>();

  /** Ends every wait that is under way. */
  fire(): void {
    for (const wake of [...this.#wakes]) wake();
  }

  /** What the promise gives. @throws ConnectionFailed when interrupted first */
  race<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const wake = () => {
        this.#wakes.delete(wake);
        reject(new RayflowError("ConnectionFailed", "the connection was lost before the answer came"));
      };
      this.#wakes.add(wake);
      promise.then(resolve, reject).finally(() => this.#wakes.delete(wake));
    });
  }

  /** Waits so long, or until interrupted. */
  wait(ms: number): Promise<void> {
    return new Promise((done) => {
      const wake = () => {
        clearTimeout(timer);
        this.#wakes.delete(wake);
        done();
      };
      const timer = setTimeout(wake, ms);
      this.#wakes.add(wake);
    });
  }

  /** Waits longer after each failure, with jitter, so that many processes do not come back at once. */
  backOff(failures: number): Promise<void> {
    const most = Math.min(FIRST_BACKOFF_MS * 2 ** Math.max(0, failures - 1), MAX_BACKOFF_MS);
    return this.wait(most * (0.5 + Math.random() / 2));
  }
}

const FIRST_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 2_000;
