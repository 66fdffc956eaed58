/**
 * Keeps costly reads from piling up. Whoever asks gets an answer soon: the result, or word that the process is busy.
 *
 * R1. Only a few reads go on at a time. Those who ask for the same while it waits for its turn share it: it begins after
 *     everyone who shares it has asked, so each sees what it wrote before asking.
 * R2. A bounded number of reads wait, each for a bounded time; what is too many is refused at once.
 * R3. A read whose askers have all gone does not begin, or is told to end; so is one that takes too long.
 */
import type { NatsConnection } from "@nats-io/transport-node";
import { RayflowError } from "../flow/index.ts";
import type { ReadGate } from "../store/index.ts";

export interface SharedReadsOptions {
  /** How many reads go on at a time. */
  readonly atOnce: number;
  /** How many wait beside them. Default 128. */
  readonly maxWaiting?: number;
  /** How long one may wait for its turn, ms. Default 10 000. */
  readonly waitMs?: number;
  /** How long one may take, ms. Default 120 000. */
  readonly readMs?: number;
}

interface Read {
  readonly key: string;
  readonly begin: (signal: AbortSignal) => Promise<unknown>;
  readonly ending: AbortController;
  readonly settled: Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  timer: NodeJS.Timeout;
  askers: number;
}

const MAX_WAITING = 128;
const WAIT_MS = 10_000;
const READ_MS = 120_000;

export class SharedReads {
  readonly #options: Required<SharedReadsOptions>;
  /** By key, in the order of their turns. */
  readonly #waiting = new Map<string, Read>();
  #going = 0;

  constructor(options: SharedReadsOptions) {
    this.#options = { maxWaiting: MAX_WAITING, waitMs: WAIT_MS, readMs: READ_MS, ...options };
  }

  /** Reads that wait for their turn. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * What `begin` gives. The same key must stand for the same read. `signal`: the asker is gone. Rejects as `begin` does.
   * @throws GatewayBusy
   */
  share<T>(key: string, begin: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (signal?.aborted) return Promise.reject(busy("the caller has gone"));
    const read = this.#waiting.get(key) ?? this.#queue(key, begin);
    if (read === undefined) return Promise.reject(busy("too many reads of the log wait already"));
    read.askers++;
    return this.#ask(read, signal) as Promise<T>;
  }

  #queue(key: string, begin: Read["begin"]): Read | undefined {
    const { atOnce, maxWaiting, waitMs } = this.#options;
    if (this.#going >= atOnce && this.#waiting.size >= maxWaiting) return undefined;
    let resolve: Read["resolve"] = () => {};
    let reject: Read["reject"] = () => {};
    const settled = new Promise<unknown>((ok, fail) => {
      resolve = ok;
      reject = fail;
    });
    settled.catch(() => {});
    const timer = setTimeout(() => this.#drop(read, "the log is read by too many"), waitMs);
    const read: Read = { key, begin, ending: new AbortController(), settled, resolve, reject, timer, askers: 0 };
    this.#waiting.set(key, read);
    this.#next();
    return read;
  }

  #ask(read: Read, signal: AbortSignal | undefined): Promise<unknown> {
    if (signal === undefined) return read.settled;
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        reject(busy("the caller has gone"));
        if (--read.askers === 0) this.#drop(read, "nobody waits for it");
      };
      signal.addEventListener("abort", leave, { once: true });
      const stay = (): void => signal.removeEventListener("abort", leave);
      read.settled.then(resolve, reject).then(stay, stay);
    });
  }

  /** It does not begin; if it has, it is told to end. */
  #drop(read: Read, why: string): void {
    clearTimeout(read.timer);
    if (this.#waiting.get(read.key) === read) this.#waiting.delete(read.key);
    const error = busy(why);
    read.reject(error);
    read.ending.abort(error);
  }

  #next(): void {
    const { atOnce, readMs } = this.#options;
    for (const read of this.#waiting.values()) {
      if (this.#going >= atOnce) return;
      this.#waiting.delete(read.key);
      this.#going++;
      clearTimeout(read.timer);
      read.timer = setTimeout(() => this.#drop(read, "reading the log took too long"), readMs);
      const done = (): void => {
        clearTimeout(read.timer);
        this.#going--;
        this.#next();
      };
      // Asked for in this turn of the event loop: whoever asks for the same in it shares it.
      void begun(read).then(read.resolve, read.reject).then(done);
    }
  }
}

async function begun({ begin, ending }: Read): Promise<unknown> {
  ending.signal.throwIfAborted();
  return begin(ending.signal);
}

function busy(why: string): RayflowError {
  return new RayflowError("GatewayBusy", `busy: ${why}`);
}

/** Reads through the hot log that go on at a time in one process. */
const AT_ONCE = 2;
const BUSY_PAUSE_MS = 1_000;
const onConnection = new WeakMap<NatsConnection, SharedReads>();

/** The reads through the log over a connection: whatever asks for them waits in one line. */
export function logReadsOn(nc: NatsConnection): SharedReads {
  let reads = onConnection.get(nc);
  if (!reads) {
    reads = new SharedReads({ atOnce: AT_ONCE });
    onConnection.set(nc, reads);
  }
  return reads;
}

/** A piece of the log for one asker alone. @throws GatewayBusy */
export function logGate(nc: NatsConnection, signal?: AbortSignal): ReadGate {
  return (read) => logReadsOn(nc).share(`alone ${++alone}`, read, signal);
}
let alone = 0;

/** The same for those who stay and look again and again: while the process is busy they wait on. */
export function patientGate(nc: NatsConnection, signal?: AbortSignal): ReadGate {
  const gate = logGate(nc, signal);
  return async (read) => {
    for (;;) {
      try {
        return await gate(read);
      } catch (error) {
        if (!(error instanceof RayflowError) || error.code !== "GatewayBusy") throw error;
        if (signal?.aborted || nc.isClosed()) throw error;
        await new Promise((done) => setTimeout(done, BUSY_PAUSE_MS));
      }
    }
  };
}
