/** Fake actors: they take work, do something random, and tell it once or more often. */
import { type DispatchEntry, encodeMessage, type NodeResult, subjects, WIRE_VERSION } from "../../nats/index.ts";
import type { Delivery } from "./testing-queue.ts";
import { Process } from "./testing-time.ts";
import type { World } from "./testing-world.ts";

const MAX_LOST = 3;
const AGAIN_MS = 500;

interface Buffered {
  readonly result: NodeResult;
  readonly onAcked: () => void;
}

export class Actors {
  readonly #world: World;
  readonly #process: Process;
  readonly #buffers = new Map<string, Buffered[]>();
  #values = 0;

  constructor(world: World) {
    this.#world = world;
    this.#process = new Process(world.time, "actor");
    world.queue.onDelivery = (delivery) => this.#take(delivery);
  }

  #take(delivery: Delivery): void {
    const { faults, time } = this.#world;
    const { type, entries } = delivery.message;
    const workMs = faults.strikes("actorSlow") ? 16_000 + time.below(20_000) : this.#usualMs();
    if (faults.strikes("actorCrash")) {
      time.note(`actor dies over ${entries.map((entry) => entry.id).join(" ")}`);
      return;
    }
    let open = entries.length;
    const diesLate = faults.strikes("actorCrash");
    const acked = (): void => {
      if (--open === 0 && !diesLate) delivery.ack();
    };
    for (const entry of entries) {
      time.after(workMs + time.below(20), () => this.#finish(type, entry, delivery.count, acked));
    }
  }

  #usualMs(): number {
    return 1 + this.#world.time.below(this.#world.time.chance(0.15) ? 3_000 : 200);
  }

  #finish(type: string, entry: DispatchEntry, deliveries: number, acked: () => void): void {
    const { faults, time } = this.#world;
    if (deliveries > MAX_LOST + 1) {
      const lost = { code: "ActorLost", message: "lost too often", retryable: true };
      return this.#add(type, entry, { ...this.#base(entry), status: "error", error: lost }, acked);
    }
    if (faults.strikes("lateResult")) {
      const timeout = { code: "NodeTimeout", message: "took too long", retryable: true };
      this.#add(type, entry, { ...this.#base(entry), status: "error", error: timeout }, acked);
      // Often while the next attempt is under way.
      const lateMs = time.chance(0.7) ? 500 + time.below(2_000) : time.below(15_000);
      time.after(lateMs, () => this.#add(type, entry, this.#work(type, entry), () => undefined));
      return;
    }
    this.#add(type, entry, this.#work(type, entry), acked);
    if (!faults.strikes("repeat")) return;
    const again = (): void =>
      this.#publish(type, entry.partition, [this.#work(type, entry)], `again-${++this.#values}`);
    time.after(time.below(4_000), again);
  }

  #base(entry: DispatchEntry): Omit<NodeResult, "status"> {
    const { time } = this.#world;
    return { id: entry.id, run: entry.run, started_at: time.now, duration_ms: 1 + time.below(50), actor: "actor" };
  }

  /** What the node's code gives: never the same twice. */
  #work(type: string, entry: DispatchEntry): NodeResult {
    const { faults, time } = this.#world;
    const base = this.#base(entry);
    if (faults.strikes("nodeFailure")) {
      const error = { code: time.chance(0.5) ? "Flaky" : "Broken", message: "it failed", retryable: time.chance(0.7) };
      return { ...base, status: "error", error };
    }
    const exec = type === "logic_branch" ? { exec: [time.chance(0.5) ? "true" : "false"] } : {};
    // Once the world has healed, conditions turn false: loops end.
    const outputs = { value: { k: ++this.#values }, result: faults.active && time.chance(0.5) };
    return { ...base, status: "ok", outputs, ...exec };
  }

  /** Results of one moment share a message, whatever run they belong to. */
  #add(type: string, entry: DispatchEntry, result: NodeResult, onAcked: () => void): void {
    const { time } = this.#world;
    const key = `${type} ${entry.partition}`;
    const buffer = this.#buffers.get(key);
    if (buffer) {
      buffer.push({ result, onAcked });
      return;
    }
    const made = [{ result, onAcked }];
    this.#buffers.set(key, made);
    time.after(time.chance(0.5) ? 0 : time.below(10), () => {
      this.#buffers.delete(key);
      const results = made.map((one) => one.result);
      const done = (): void => {
        for (const one of made) one.onAcked();
      };
      this.#publish(type, entry.partition, results, results.map((one) => one.id).join(" "), done);
    });
  }

  #publish(type: string, partition: number, results: NodeResult[], msgID: string, done?: () => void): void {
    const bytes = encodeMessage({ v: WIRE_VERSION, type, results });
    const send = (): void => {
      this.#world.publish(this.#process, subjects.result(type, partition), bytes, { msgID }).then(
        () => done?.(),
        () => this.#process.later(AGAIN_MS, send),
      );
    };
    send();
  }
}
