/**
 * What the orchestrator says to whoever listens: the news of runs, the answers to publishers, the word to actors that a
 * run is over. All of it may be lost.
 *
 * N1. News of nodes that nobody listens to are not made: the server tells when a message had no receiver, and for a
 *     moment no more of that run are sent. Who begins to listen in the middle of a run hears of it within that moment.
 */
import {
  type CancelMessage,
  type ConnectionPublisher,
  encodeMessage,
  isPublishable,
  type RunEvent,
  subjects,
  WIRE_VERSION,
} from "../nats/index.ts";
import type { Logger } from "./logger.ts";

/** How long no news of a run are sent after nobody was there to hear one, ms. */
const QUIET_MS = 500;
const MAX_QUIET = 100_000;

export interface NewsOptions {
  readonly publisher: Pick<ConnectionPublisher, "send">;
  /** The server's max_payload, bytes. */
  readonly maxPayload: () => number;
  readonly logger: Logger;
}

export class News {
  readonly #options: NewsOptions;
  /** Runs that nobody listens to: until when, by the monotonic clock. */
  readonly #quiet = new Map<string, number>();

  constructor(options: NewsOptions) {
    this.#options = options;
  }

  /** Sends what happened to a run, and to `reply` too. */
  announce(event: RunEvent, reply?: string): void {
    const { publisher, maxPayload, logger } = this.#options;
    const { run_id: run, kind } = event;
    const isOfNodes = kind === "node";
    if (isOfNodes && !this.isHeard(run)) return;
    if (kind === "finished") this.#quiet.delete(run);
    const bytes = encodeMessage(event);
    // What is too large for a message is better left out than in the way.
    if (bytes.length > maxPayload()) return logger.debug({ run_id: run, kind }, "an event too large was left out");
    publisher.send(subjects.event(run, kind), bytes, isOfNodes ? () => this.#hush(run) : undefined);
    if (reply !== undefined && isPublishable(reply)) publisher.send(reply, bytes);
  }

  /** Whether somebody may listen to the news of a run's nodes now. */
  isHeard(run: string): boolean {
    const until = this.#quiet.get(run);
    if (until === undefined) return true;
    if (performance.now() < until) return false;
    this.#quiet.delete(run);
    return true;
  }

  /** Tells actors to stop these executions of a run, or all of them. */
  stop(run: string, executions: readonly string[] | undefined): void {
    const message: CancelMessage = { v: WIRE_VERSION, run, ...(executions ? { executions: [...executions] } : {}) };
    this.#options.publisher.send(subjects.cancel(run), encodeMessage(message));
  }

  #hush(run: string): void {
    if (this.#quiet.size >= MAX_QUIET) this.#quiet.clear();
    this.#quiet.set(run, performance.now() + QUIET_MS);
  }
}
