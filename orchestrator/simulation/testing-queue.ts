/** The fake dispatch queue and the fake timers: what is delivered until it is acked. */
import { type DispatchMessage, dispatchMessage } from "../../nats/index.ts";
import type { Faults } from "./testing-faults.ts";
import { type Ack, SeenIds } from "./testing-log.ts";
import type { VirtualTime } from "./testing-time.ts";

const ACK_WAIT_MS = 15_000;

export interface Delivery {
  readonly message: DispatchMessage;
  /** From 1. */
  readonly count: number;
  ack(): void;
}

/** A work queue in memory: it may be lost whole. */
export class FakeQueue {
  /** Which incarnation of the queue this is. */
  created = "queue-1";
  /** Executions that were ever stored, by incarnation. */
  readonly everStored = new Map<string, Set<string>>([["queue-1", new Set()]]);
  onDelivery: (delivery: Delivery) => void = () => {};
  onStored: (message: DispatchMessage) => void = () => {};
  readonly #time: VirtualTime;
  readonly #faults: Faults;
  readonly #ids: SeenIds;
  #messages = new Set<number>();
  #lastSeq = 0;

  constructor(time: VirtualTime, faults: Faults) {
    this.#time = time;
    this.#faults = faults;
    this.#ids = new SeenIds(time);
  }

  store(data: Uint8Array, msgID: string): Ack {
    const message = dispatchMessage.parse(JSON.parse(Buffer.from(data).toString()));
    const known = this.#ids.find(msgID);
    if (known !== undefined && !this.#faults.strikes("forgetId")) {
      return { stream: "RAYFLOW_NODES", seq: known, duplicate: true };
    }
    const seq = ++this.#lastSeq;
    this.#ids.add(msgID, seq);
    for (const entry of message.entries) this.everStored.get(this.created)?.add(entry.id);
    this.onStored(message);
    this.#messages.add(seq);
    this.#deliver(this.#messages, seq, message, 1);
    return { stream: "RAYFLOW_NODES", seq, duplicate: false };
  }

  /** The server has lost its memory: the queue is another one, empty, and knows no ids. */
  recreate(): void {
    this.created = `queue-${this.everStored.size + 1}`;
    this.everStored.set(this.created, new Set());
    this.#messages = new Set();
    this.#ids.clear();
    this.#time.note(`the queue is lost: now ${this.created}`);
  }

  /** `queue` is the incarnation that the message lies in: with it, all its deliveries end. */
  #deliver(queue: Set<number>, seq: number, message: DispatchMessage, count: number): void {
    this.#time.after(1 + this.#time.below(10), () => {
      if (queue !== this.#messages || !queue.has(seq)) return;
      this.onDelivery({ message, count, ack: () => queue.delete(seq) });
      this.#time.after(ACK_WAIT_MS, () => {
        if (queue === this.#messages && queue.has(seq)) this.#deliver(queue, seq, message, count + 1);
      });
    });
  }
}

/** Message schedules: fired at their time or later, sometimes twice. */
export class FakeTimers {
  /** By subject: when it fires, ms since 1970. */
  readonly everSet = new Map<string, number>();
  onFired: (subject: string) => void = () => {};
  readonly #time: VirtualTime;
  readonly #faults: Faults;
  readonly #ids: SeenIds;
  readonly #waiting = new Map<string, object>();

  constructor(time: VirtualTime, faults: Faults) {
    this.#time = time;
    this.#faults = faults;
    this.#ids = new SeenIds(time);
  }

  store(subject: string, target: string, at: number, msgID: string): Ack {
    const ack = { stream: "RAYFLOW_TIMERS", seq: this.everSet.size + 1 };
    if (this.#ids.find(msgID) !== undefined && !this.#faults.strikes("forgetId")) return { ...ack, duplicate: true };
    this.#ids.add(msgID, ack.seq);
    this.everSet.set(subject, at);
    const schedule = {};
    this.#waiting.set(subject, schedule);
    const lateMs = this.#time.chance(0.2) ? this.#time.below(3_000) : this.#time.below(250);
    this.#time.after(Math.max(0, at - this.#time.now) + lateMs, () => {
      if (this.#waiting.get(subject) !== schedule) return;
      this.#waiting.delete(subject);
      this.onFired(target);
      if (this.#faults.strikes("timerTwice")) this.#time.after(this.#time.below(5_000), () => this.onFired(target));
    });
    return { ...ack, duplicate: false };
  }

  purge(subject: string): void {
    this.#waiting.delete(subject);
  }
}
