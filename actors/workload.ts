/**
 * Workload is what one actor process has in hand: the messages it holds, the entries that wait for a slot, run, or
 * wait for the ack of their result.
 *
 * It owns the way from a delivery to its ack. It does not own how messages come and go (DispatchPuller,
 * ResultPublisher) nor how one entry runs (NodeExecutor).
 *
 * W1. A message is acked only when every result of its entries is in the log.
 * W2. An entry that is delivered again while it is in hand does not run again: both messages wait for the one result.
 * W3. At most `concurrency` entries run at once, first come, first served.
 * W4. What has been delivered too often is not run: its result is ActorLost.
 * W5. What `abort` ends gives no result: its message is handed back.
 * W6. A message of several entries that comes a second time is taken apart, so that one entry that ends its actors does
 *     not take its neighbours with it.
 */
import type { Logger } from "pino";
import { RayflowError } from "../flow/index.ts";
import {
  type DispatchEntry,
  type DispatchMessage,
  decodeMessage,
  dispatchMessage,
  readDispatch,
} from "../nats/index.ts";
import { ActorMetrics, type TypeMetrics } from "./actor-metrics.ts";
import { answers, type Delivery, storedAtOf } from "./delivery.ts";
import type { DispatchPuller } from "./dispatch-puller.ts";
import type { NodeDefinition } from "./node-definition.ts";
import type { NodeExecutor } from "./node-executor.ts";
import type { ResultPublisher } from "./result-publisher.ts";
import type { SealedResult } from "./sealed-result.ts";

/** A message whose type is not served here comes back after so long, perhaps to somebody else. */
const NOT_SERVED_DELAY_MS = 5_000;
/** When a message that could not be taken apart comes back, ms. */
const SEPARATE_AGAIN_MS = 1_000;
/** Results without an ack, past which no new work is begun: the log does not keep up. */
const MAX_UNACKED = 4_096;

/** A message that is not answered yet. */
interface Held {
  readonly delivery: Delivery;
  /** When the queue had it, ms since 1970. */
  readonly storedAt: number | undefined;
  /** Entries whose results are not in the log. */
  unsettled: number;
  /** Entries that wait for a slot. */
  queued: number;
  /** Whether any entry of it has begun, here or through another message. */
  begun: boolean;
}

/** An entry in hand. */
interface Item {
  readonly entry: DispatchEntry;
  readonly definition: NodeDefinition;
  readonly metrics: TypeMetrics;
  readonly holders: Held[];
  state: "queued" | "running" | "done";
  /** Set when it must not run any more; its result is this error. */
  refusal: RayflowError | undefined;
}

export interface WorkloadCounters {
  /** Entries that ran to a result. */
  executed: number;
  /** Of these, how many failed. */
  failed: number;
  /** Messages that came more than once. */
  redelivered: number;
  /** Entries given up because they were delivered too often. */
  lost: number;
  /** Messages that made no sense. */
  refused: number;
  /** Entries that run now. */
  inFlight: number;
}

export interface WorkloadOptions {
  readonly definitions: ReadonlyMap<string, NodeDefinition>;
  readonly executor: NodeExecutor;
  readonly publisher: ResultPublisher;
  readonly puller: Pick<DispatchPuller, "answer" | "begun" | "pause" | "resume">;
  /** Puts the entries of a message back into the queue, each alone. */
  readonly separate: (message: DispatchMessage, lost: number) => Promise<void>;
  readonly concurrency: number;
  readonly maxLost: number;
  /** Default: what is counted is for nobody. */
  readonly metrics?: ActorMetrics;
  readonly logger: Logger;
}

export class Workload {
  readonly counters: WorkloadCounters = { executed: 0, failed: 0, redelivered: 0, lost: 0, refused: 0, inFlight: 0 };
  readonly #options: WorkloadOptions;
  readonly #metrics: ActorMetrics;
  readonly #held = new Set<Held>();
  readonly #items = new Map<string, Item>();
  #queue: Item[] = [];
  /** Where the queue begins: taking from the front of a long array costs its length. */
  #head = 0;
  #mode: "open" | "closing" | "aborted" = "open";
  readonly #idle: (() => void)[] = [];

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#metrics = options.metrics ?? new ActorMetrics();
  }

  /** Takes a delivery in. Never throws: a bad message is answered and counted. */
  receive(delivery: Delivery): void {
    const { puller, logger, definitions } = this.#options;
    if (this.#mode !== "open") {
      puller.answer(delivery, answers.nak());
      return;
    }
    const decoded = decodeMessage(dispatchMessage, delivery.data, readDispatch);
    if (!decoded.ok) {
      this.counters.refused++;
      this.#metrics.refused("malformed");
      logger.warn({ type: delivery.type, reason: decoded.reason }, "refused a malformed dispatch message");
      puller.answer(delivery, answers.term(decoded.reason));
      puller.begun(delivery.type);
      return;
    }
    const definition = definitions.get(decoded.value.type);
    if (!definition) {
      this.#metrics.refused("not_served");
      logger.warn({ type: decoded.value.type }, "got work of a type that is not served here: handing it back");
      puller.answer(delivery, answers.nak(NOT_SERVED_DELAY_MS));
      puller.begun(delivery.type);
      return;
    }
    if (delivery.deliveryCount > 1) {
      this.counters.redelivered++;
      this.#metrics.of(decoded.value.type).redelivered.value++;
    }
    if (delivery.deliveryCount > 1 && decoded.value.entries.length > 1) void this.#separate(delivery, decoded.value);
    else this.#take(delivery, decoded.value, definition);
  }

  /** W6 */
  async #separate(delivery: Delivery, message: DispatchMessage): Promise<void> {
    const { puller, logger, separate } = this.#options;
    puller.begun(delivery.type);
    try {
      await separate(message, delivery.deliveryCount - 1);
      puller.answer(delivery, answers.ack);
    } catch (error) {
      logger.warn({ type: delivery.type, err: error }, "a message could not be taken apart: handing it back");
      puller.answer(delivery, answers.nak(SEPARATE_AGAIN_MS));
    }
  }

  /** Ends what is in hand of a run: what waits is not run, what runs is aborted. */
  cancelRun(run: string): void {
    const cancelled = () => new RayflowError("RunCancelled", "the run was cancelled or has ended");
    for (let at = this.#head; at < this.#queue.length; at++) {
      const item = this.#queue[at];
      if (item?.entry.run === run) item.refusal ??= cancelled();
    }
    this.#options.executor.abort(cancelled(), (entry) => entry.run === run);
  }

  /** Tells the server that all messages in hand are still being worked on. */
  working(): void {
    for (const { delivery } of this.#held) this.#options.puller.answer(delivery, answers.working);
  }

  /** Takes nothing in any more, and hands back at once what has not begun. */
  handBack(): void {
    this.#mode = "closing";
    for (const held of this.#held) {
      if (!held.begun) this.#release(held);
    }
    const rest = this.#queue.slice(this.#head).filter((item) => {
      const wanted = item.holders.some((held) => this.#held.has(held));
      if (!wanted) this.#items.delete(item.entry.id);
      return wanted;
    });
    this.#queue = rest;
    this.#head = 0;
  }

  /** Resolves when nothing is in hand any more. */
  whenIdle(): Promise<void> {
    return this.#held.size === 0 ? Promise.resolve() : new Promise((done) => this.#idle.push(done));
  }

  /** Ends what runs without a result. Results that are on their way may still settle their messages. */
  abort(): void {
    this.#mode = "aborted";
    this.#queue = [];
    this.#head = 0;
    const stopped = new RayflowError("ActorLost", "the actor stopped before the node had ended");
    this.#options.executor.abort(stopped, () => true);
  }

  /** Hands every message back that is still in hand. Gives how many. */
  handBackAll(): number {
    const count = this.#held.size;
    for (const held of this.#held) this.#release(held);
    return count;
  }

  #take(delivery: Delivery, message: DispatchMessage, definition: NodeDefinition): void {
    const storedAt = storedAtOf(delivery.reply);
    const held: Held = { delivery, storedAt, unsettled: message.entries.length, queued: 0, begun: false };
    const metrics = this.#metrics.of(message.type);
    this.#held.add(held);
    for (const entry of message.entries) {
      const lost = delivery.deliveryCount - 1 + (entry.lost ?? 0);
      const known = this.#items.get(entry.id);
      if (known) {
        known.holders.push(held);
        if (known.state === "queued") held.queued++;
        else held.begun = true;
        continue;
      }
      const refusal = lost > this.#options.maxLost ? lostError(lost) : undefined;
      if (refusal) this.counters.lost++;
      const item: Item = { entry, definition, metrics, holders: [held], state: "queued", refusal };
      this.#items.set(entry.id, item);
      this.#queue.push(item);
      held.queued++;
    }
    if (held.queued === 0) this.#options.puller.begun(delivery.type);
    this.#pump();
  }

  /** Begins what there are slots for. */
  #pump(): void {
    while (this.#head < this.#queue.length && this.counters.inFlight < this.#options.concurrency) {
      if (this.#options.publisher.unacked >= MAX_UNACKED) {
        this.#options.puller.pause();
        return;
      }
      const item = this.#queue[this.#head++];
      if (item) this.#begin(item);
    }
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    }
  }

  #begin(item: Item): void {
    const { executor, puller } = this.#options;
    item.state = "running";
    for (const held of item.holders) {
      held.begun = true;
      if (--held.queued === 0) puller.begun(held.delivery.type);
    }
    if (item.refusal) {
      item.metrics.refusedAs(item.refusal.code).value++;
      this.#finish(item, executor.refuse(item.entry, item.refusal));
      return;
    }
    this.counters.inFlight++;
    const { storedAt } = item.holders[0] ?? {};
    if (storedAt !== undefined) item.metrics.queue.record(Math.max(0, Date.now() - storedAt) / 1000);
    void executor.execute(item.entry, item.definition, storedAt).then((sealed) => {
      this.counters.inFlight--;
      if (this.#mode === "aborted") return;
      this.counters.executed++;
      if (sealed.result.status === "error") this.counters.failed++;
      item.metrics.ended(sealed.result);
      this.#finish(item, sealed);
      this.#pump();
    });
  }

  #finish(item: Item, sealed: SealedResult): void {
    item.state = "done";
    const { partition } = item.entry;
    this.#options.publisher.add(item.definition.nodeType.type, partition, sealed, () => this.#settled(item));
  }

  #settled(item: Item): void {
    this.#items.delete(item.entry.id);
    for (const held of item.holders) {
      if (--held.unsettled > 0 || !this.#held.has(held)) continue;
      this.#options.puller.answer(held.delivery, answers.ack);
      this.#drop(held);
    }
    this.#options.puller.resume();
    this.#pump();
  }

  #release(held: Held): void {
    this.#options.puller.answer(held.delivery, answers.nak());
    this.#drop(held);
  }

  #drop(held: Held): void {
    this.#held.delete(held);
    if (this.#held.size === 0) for (const done of this.#idle.splice(0)) done();
  }
}

function lostError(times: number): RayflowError {
  return new RayflowError("ActorLost", `${times} actors took this work and died or stopped before it was done`, {
    details: { deliveries: times },
  });
}
