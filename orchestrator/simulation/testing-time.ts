/**
 * Virtual time: what is due happens in order, in no real time, and all chance comes from one seed.
 *
 * V1. Between two steps every microtask has run: promises settle at the virtual moment that caused them.
 * V2. Nothing here or in what it drives asks the real clock or a real source of randomness.
 */
import type { Clock } from "../clock.ts";
import { seeded } from "../run/testing.ts";

interface Due {
  readonly at: number;
  readonly order: number;
  readonly task: () => void;
}

const START_MS = 1_700_000_000_000;

export class VirtualTime {
  now = START_MS;
  steps = 0;
  readonly random: () => number;
  /** Kept only when asked for: a trace is long. */
  readonly lines: string[] = [];
  readonly #keepLines: boolean;
  /** A binary heap, the earliest first. */
  readonly #heap: Due[] = [];
  #order = 0;
  #hash = 0x811c9dc5;

  constructor(seed: number, keepLines: boolean) {
    this.random = seeded(seed);
    this.#keepLines = keepLines;
  }

  /** Ms since the simulation began. */
  get elapsed(): number {
    return this.now - START_MS;
  }

  /** What has happened so far, in 32 bits: two runs of one seed must agree. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  chance(probability: number): boolean {
    return probability > 0 && this.random() < probability;
  }

  /** A whole number from 0 to below `below`. */
  below(below: number): number {
    return Math.floor(this.random() * below);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  note(text: string): void {
    for (let at = 0; at < text.length; at++) this.#hash = Math.imul(this.#hash ^ text.charCodeAt(at), 0x01000193);
    this.#hash = Math.imul(this.#hash ^ this.elapsed, 0x01000193);
    if (this.#keepLines) this.lines.push(`${(this.elapsed / 1000).toFixed(3).padStart(9)}  ${text}`);
  }

  after(ms: number, task: () => void): void {
    const heap = this.#heap;
    const due: Due = { at: this.now + Math.max(0, Math.round(ms)), order: this.#order++, task };
    let at = heap.length;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up] as Due;
      if (!isBefore(due, parent)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = due;
  }

  /** Steps on until `done`; false when nothing is left to happen, or the time or the steps are used up first. */
  async run(done: () => boolean, limits: { readonly elapsedMs: number; readonly steps: number }): Promise<boolean> {
    while (!done()) {
      const next = this.#pop();
      if (!next || this.steps >= limits.steps || next.at - START_MS > limits.elapsedMs) return false;
      this.now = next.at;
      this.steps++;
      next.task();
      await settled();
    }
    return true;
  }

  #pop(): Due | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (!top || !last || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Due, heap[child] as Due)) child++;
      if (!isBefore(heap[child] as Due, last)) break;
      heap[at] = heap[child] as Due;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Resolves when every microtask has run: an immediate comes after all of them. */
function settled(): Promise<void> {
  return new Promise((done) => setImmediate(done));
}

/** Something that runs code and can die between any two of its actions. */
export class Process {
  readonly name: string;
  readonly clock: Clock;
  readonly #time: VirtualTime;
  #alive = true;
  #frozenUntil = 0;

  constructor(time: VirtualTime, name: string) {
    this.#time = time;
    this.name = name;
    this.clock = {
      now: () => time.now,
      sleep: (ms) => new Promise((done) => this.later(ms, done)),
      every: (ms, task) => {
        let on = true;
        const again = (): void => {
          if (!on) return;
          task();
          this.later(ms, again);
        };
        this.later(ms, again);
        return () => {
          on = false;
        };
      },
      soon: (task) => this.later(0, task),
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Whatever it was about to do does not happen any more. */
  crash(): void {
    if (this.#alive) this.#time.note(`${this.name} crashes`);
    this.#alive = false;
  }

  /** As SIGSTOP and SIGCONT: it does nothing for so long, then goes on as if no time had passed. */
  freeze(ms: number): void {
    this.#frozenUntil = Math.max(this.#frozenUntil, this.#time.now + ms);
    this.#time.note(`${this.name} is frozen for ${ms} ms`);
  }

  later(ms: number, task: () => void): void {
    this.#time.after(ms, () => {
      if (!this.#alive) return;
      const rest = this.#frozenUntil - this.#time.now;
      if (rest > 0) this.later(rest, task);
      else task();
    });
  }
}

/** A part of something, in the place of the whole: for classes of which a simulation needs a few methods. */
export function standIn<T>(part: object): T {
  return part as T;
}
