/**
 * Timers: JetStream message schedules. A timer is a message that the server holds back and stores anew, at its time,
 * under a `rayflow.fire` subject; from there it is put into the run's log. No process needs to stay awake for it.
 */
import type { JetStreamClient, JetStreamManager, JsMsg } from "@nats-io/jetstream";
import {
  encodeMessage,
  ensureTimerConsumer,
  ORCHESTRATOR_CONSUMER,
  parseFireSubject,
  parseTriggerFire,
  type RunMessage,
  STREAMS,
  scheduleHeaders,
  subjects,
  WIRE_VERSION,
} from "../nats/index.ts";
import type { Logger } from "./logger.ts";
import { ACK_WAIT_MS, SharedQueue } from "./shared-queue.ts";

/** How many fired timers may be on their way into the log at once. */
const PREFETCH = 500;
/** Wait before a timer that could not be put into the log is delivered again, ms. */
const AGAIN_MS = 1_000;

export interface TimersOptions {
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly logger: Logger;
  /** Serves the fired schedules of triggers: they lie in the same stream, which has one consumer. */
  readonly onTrigger?: (fired: JsMsg) => Promise<void>;
}

export class Timers {
  readonly #options: TimersOptions;
  readonly #queue: SharedQueue;

  constructor(options: TimersOptions) {
    this.#options = options;
    this.#queue = new SharedQueue({
      js: options.js,
      stream: STREAMS.timers,
      consumer: ORCHESTRATOR_CONSUMER,
      prefetch: PREFETCH,
      handle: (fired) => this.#forward(fired),
    });
  }

  /** Has the run woken with `{kind: "timer", id}` at a time (ms since 1970), or at once when it has passed. */
  async set(partition: number, run: string, id: string, at: number): Promise<void> {
    const subject = subjects.timer(partition, run, id);
    const headers = scheduleHeaders({ at, target: subjects.fire(partition, run, id) });
    await this.#options.js.publish(subject, "", { headers, msgID: `${run}:${id}` });
  }

  /** Best effort: a timer that fires all the same finds nobody waiting. */
  cancel(partition: number, run: string, id: string): void {
    const { jsm, logger } = this.#options;
    jsm.streams.purge(STREAMS.timers, { filter: subjects.timer(partition, run, id) }).catch((error) => {
      logger.debug({ run_id: run, timer: id, err: error }, "a timer was not cancelled; it will find nobody");
    });
  }

  /** Takes fired timers into the logs of their runs. All orchestrators share this work, whoever owns the partition. */
  async start(): Promise<void> {
    await ensureTimerConsumer(this.#options.jsm, { ackWaitMs: ACK_WAIT_MS });
    await this.#queue.start();
  }

  stop(): Promise<void> {
    return this.#queue.stop();
  }

  async #forward(fired: JsMsg): Promise<void> {
    const { onTrigger } = this.#options;
    if (onTrigger !== undefined && parseTriggerFire(fired.subject)) return onTrigger(fired);
    const timer = parseFireSubject(fired.subject);
    if (!timer) return fired.term("not a timer's subject");
    const message: RunMessage = { v: WIRE_VERSION, kind: "timer", run: timer.run, id: timer.id };
    try {
      await this.#options.js.publish(subjects.run(timer.partition, timer.run), encodeMessage(message), {
        msgID: `${timer.run}:${timer.id}:fired`,
      });
      fired.ack();
    } catch (error) {
      this.#options.logger.warn({ run_id: timer.run, timer: timer.id, err: error }, "a fired timer waits for the log");
      fired.nak(AGAIN_MS);
    }
  }
}
