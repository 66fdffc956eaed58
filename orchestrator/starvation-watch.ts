/**
 * Notices work that nobody takes: a node type with messages in its queue and no actor that pulls. The runs that wait
 * for it are told so by an event; they go on when an actor appears.
 */
import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { encodeMessage, nodeConsumerName, type RunEvent, STREAMS, subjects, WIRE_VERSION } from "../nats/index.ts";
import type { Logger } from "./logger.ts";
import type { Run } from "./run/fold.ts";

/** How often the queues are looked at, ms. */
const INTERVAL_MS = 2_000;
/** Most runs that are told about one type in one look. */
const MAX_TOLD = 100;

export interface StarvationWatchOptions {
  readonly nc: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly runs: () => Iterable<Run>;
  readonly logger: Logger;
}

export class StarvationWatch {
  readonly #options: StarvationWatchOptions;
  /** Since when each starving type starves, ms since 1970. */
  readonly #since = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  /** By type: messages in its queue, at the last look. */
  #queued: ReadonlyMap<string, number> = new Map();

  constructor(options: StarvationWatchOptions) {
    this.#options = options;
  }

  get queued(): ReadonlyMap<string, number> {
    return this.#queued;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#look(), INTERVAL_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const queued = await this.#queuedTypes();
      this.#queued = queued;
      for (const type of this.#since.keys()) if (!queued.has(type)) this.#since.delete(type);
      for (const type of queued.keys()) if (!(await this.#isServed(type))) this.#tell(type);
    } catch (error) {
      this.#options.logger.debug({ err: error }, "the queues could not be looked at");
    } finally {
      this.#looking = false;
    }
  }

  async #queuedTypes(): Promise<Map<string, number>> {
    const info = await this.#options.jsm.streams.info(STREAMS.nodes, { subjects_filter: subjects.nodeAll() });
    const prefix = subjects.node("x").length - 1;
    const bySubject = Object.entries(info.state.subjects ?? {});
    return new Map(bySubject.map(([subject, messages]) => [subject.slice(prefix), messages]));
  }

  /** An actor shows itself by a pull that waits, or by work that it has not acked. */
  async #isServed(type: string): Promise<boolean> {
    try {
      const info = await this.#options.jsm.consumers.info(STREAMS.nodes, nodeConsumerName(type));
      const served = info.num_waiting > 0 || info.num_ack_pending > 0;
      if (served) this.#since.delete(type);
      return served;
    } catch {
      return false;
    }
  }

  #tell(type: string): void {
    const { nc, runs, logger } = this.#options;
    const since = this.#since.get(type) ?? Date.now();
    this.#since.set(type, since);
    const seconds = Math.round((Date.now() - since) / 1000);
    if (seconds === 0) return;
    logger.warn({ type, seconds }, "no actor serves this node type; its runs wait");
    let told = 0;
    for (const run of runs()) {
      const node = waitingNode(run, type);
      if (node === undefined) continue;
      const event: RunEvent = { v: WIRE_VERSION, kind: "waiting", run_id: run.id, node, type, seconds };
      if (!nc.isClosed()) nc.publish(subjects.event(run.id, event.kind), encodeMessage(event));
      if (++told >= MAX_TOLD) return;
    }
  }
}

function waitingNode(run: Run, type: string): string | undefined {
  for (const pending of run.details.inFlight.values()) {
    const node = pending.pure ?? pending.node;
    if (run.details.graph.nodes.get(node)?.type === type) return node;
  }
  return undefined;
}
