/**
 * Variables of runs, of flows and of everybody, in the bucket `rayflow_vars`.
 *
 * V1. A write changes an entry only from the revision that it read; who loses the race reads again.
 * V2. An increment happens once per activation and call, however often the activation is delivered: the entry
 *     remembers the last increments with what they gave. A later `set` keeps that memory.
 * V3. Writers of one process queue up per entry, so that only other processes are competitors.
 * V4. A server that is away is waited for: its restart fails no node.
 */
import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type JetStreamManager, type JsMsg, jetstreamManager } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { RayflowError } from "../flow/index.ts";
import {
  BUCKETS,
  bucketStream,
  decodeMessage,
  encodeMessage,
  findUnsafe,
  fromSafeToken,
  RefusalCounter,
  safeToken,
} from "../nats/index.ts";
import { isConflict, isLive, liveValue, openBucket } from "./bucket.ts";
import { RunVariables, runPrefix } from "./run-variables.ts";
import { sitOut } from "./sit-out.ts";
import type { VariableScope, Variables } from "./variables.ts";

/** Whose variables. */
export type VariableOwner =
  | { readonly scope: "run"; readonly run: string }
  | { readonly scope: "flow"; readonly flow: string }
  | { readonly scope: "global" };

export interface Execution {
  readonly run: string;
  readonly flow: string;
  /** The same for every attempt and redelivery of the activation. */
  readonly idempotencyKey: string;
}

const envelope = z.object({
  v: z.literal(1),
  value: z.unknown(),
  /** The last increments, oldest first: a hash of the idempotency key, and what it gave. */
  applied: z.array(z.tuple([z.string(), z.number()])).optional(),
});
type Envelope = z.infer<typeof envelope>;

const REMEMBERED_INCREMENTS = 64;
const MAX_NAME_LENGTH = 512;
/** Room for the subject, the headers and the remembered increments beside the value. */
const MESSAGE_ROOM_BYTES = 16 * 1024;
const MAX_TRIES = 100;
/** Variables that are asked for at the same time, when all are wanted. */
const READ_AT_ONCE = 64;
const MAX_BACKOFF_MS = 100;

export class VariableStore {
  readonly #nc: NatsConnection;
  readonly #kv: KV;
  readonly #jsm: JetStreamManager;
  readonly #runs: RunVariables;
  readonly #queues = new Map<string, Promise<unknown>>();
  /** Entries that somebody else wrote and that could not be read. */
  readonly refusals = new RefusalCounter();

  private constructor(nc: NatsConnection, kv: KV, jsm: JetStreamManager) {
    this.#nc = nc;
    this.#kv = kv;
    this.#jsm = jsm;
    this.#runs = new RunVariables(jsm);
  }

  static async open(nc: NatsConnection): Promise<VariableStore> {
    const [kv, jsm] = await Promise.all([openBucket(nc, BUCKETS.vars), jetstreamManager(nc, { checkAPI: false })]);
    return new VariableStore(nc, kv, jsm);
  }

  /** The variables as one activation sees them. Ask for a new one per delivery: it counts the activation's calls. */
  forExecution(execution: Execution): Variables {
    const calls = new Map<string, number>();
    const owner = (scope: VariableScope): VariableOwner => {
      if (scope === "run") return { scope, run: execution.run };
      return scope === "flow" ? { scope, flow: execution.flow } : { scope };
    };
    return {
      get: (scope, name) => this.get(owner(scope), name),
      set: async (scope, name, value) => void (await this.set(owner(scope), name, value)),
      exists: async (scope, name) => (await this.get(owner(scope), name)) !== undefined,
      delete: (scope, name) => this.delete(owner(scope), name),
      list: (scope) => this.listAll(owner(scope)),
      increment: (scope, name, by) => {
        const call = `${scope}.${name}`;
        const nth = calls.get(call) ?? 0;
        calls.set(call, nth + 1);
        return this.increment(owner(scope), name, by, `${execution.idempotencyKey}/${nth}`);
      },
    };
  }

  async get(owner: VariableOwner, name: string): Promise<{ value: unknown } | undefined> {
    const { envelope } = await sitOut(() => this.#read(keyOf(owner, name)));
    return envelope && { value: envelope.value };
  }

  /** The same with its revision, which grows with every change. */
  async getEntry(owner: VariableOwner, name: string): Promise<{ value: unknown; revision: number } | undefined> {
    const { envelope, revision } = await sitOut(() => this.#read(keyOf(owner, name)));
    return envelope && { value: envelope.value, revision };
  }

  /**
   * Gives the new revision. `expected`: the revision that it is to be changed from, 0 for a variable that is not set.
   * @throws PayloadTooLarge, RevisionConflict, ValidationError when the value is none that JSON can carry
   */
  async set(owner: VariableOwner, name: string, value: unknown, expected?: number): Promise<number> {
    const unsafe = value === undefined ? "there is none" : findUnsafe(value);
    if (unsafe !== undefined) throw new RayflowError("ValidationError", `the value of ${name}: ${unsafe}`);
    const key = keyOf(owner, name);
    return this.#retry(key, async () => {
      const { envelope: before, revision, live } = await this.#read(key);
      requireRevision(name, live ? revision : 0, expected);
      const applied = before?.applied === undefined ? {} : { applied: before.applied };
      return this.#write(key, { v: 1, value, ...applied }, revision);
    });
  }

  /**
   * Adds to a number, or to 0 when there is none; gives the number after.
   * @throws ValidationError when what is there is no number
   */
  increment(owner: VariableOwner, name: string, by: number, idempotencyKey: string): Promise<number> {
    const key = keyOf(owner, name);
    const once = createHash("sha256").update(idempotencyKey).digest("base64url").slice(0, 16);
    return this.#change(key, (before) => {
      const earlier = before?.applied?.find(([id]) => id === once);
      if (earlier !== undefined) return { result: earlier[1] };
      const value = before?.value ?? 0;
      if (typeof value !== "number" || !Number.isFinite(by) || !Number.isFinite(value + by)) {
        throw new RayflowError("ValidationError", `cannot add ${by} to ${name}: it is ${JSON.stringify(value)}`);
      }
      const result = value + by;
      const applied: Envelope["applied"] = [...(before?.applied ?? []), [once, result]];
      return { result, write: { v: 1, value: result, applied: applied.slice(-REMEMBERED_INCREMENTS) } };
    });
  }

  /** Whether there was one. `expected`: as for `set`. @throws RevisionConflict */
  delete(owner: VariableOwner, name: string, expected?: number): Promise<boolean> {
    const key = keyOf(owner, name);
    return this.#retry(key, async () => {
      const { revision, live } = await this.#read(key);
      requireRevision(name, live ? revision : 0, expected);
      if (!live) return false;
      await this.#kv.delete(key, { previousSeq: revision });
      return true;
    });
  }

  /** The values of all variables of one owner, by name. */
  async listAll(owner: VariableOwner): Promise<Record<string, unknown>> {
    const entries = await this.listEntries(owner);
    return Object.fromEntries([...entries].map(([name, { value }]) => [name, value]));
  }

  /** The same with their revisions. */
  listEntries(owner: VariableOwner): Promise<Map<string, { value: unknown; revision: number }>> {
    return sitOut(() => this.#listAll(owner));
  }

  async #listAll(owner: VariableOwner): Promise<Map<string, { value: unknown; revision: number }>> {
    const prefix = `$KV.${BUCKETS.vars}.${prefixOf(owner)}.`;
    // One by one, and without a consumer: an actor may have no right to make one.
    const { state } = await this.#jsm.streams.info(bucketStream(BUCKETS.vars), { subjects_filter: `${prefix}*` });
    const keys = Object.keys(state.subjects ?? {}).sort();
    const found = new Map<string, { value: unknown; revision: number }>();
    for (let at = 0; at < keys.length; at += READ_AT_ONCE) {
      const some = keys.slice(at, at + READ_AT_ONCE).map(async (subject) => {
        const name = subject.slice(prefix.length);
        return { name, ...(await this.#read(subject.slice(`$KV.${BUCKETS.vars}.`.length))) };
      });
      for (const { name, envelope, revision, live } of await Promise.all(some)) {
        if (live && envelope) found.set(fromSafeToken(name), { value: envelope.value, revision });
      }
    }
    return found;
  }

  /** Gives a run its first values; a variable that exists already, after a recovery, stays as it is. */
  async seedRun(run: string, variables: Record<string, unknown>): Promise<void> {
    await Promise.all(
      Object.entries(variables).map(async ([name, value]) => {
        try {
          await this.#write(keyOf({ scope: "run", run }, name), { v: 1, value }, 0);
        } catch (error) {
          if (!isConflict(error)) throw error;
        }
      }),
    );
  }

  /** Forgets all variables of a run. */
  purgeRun(run: string): Promise<void> {
    return this.#runs.purge(run);
  }

  /** One change of one entry: reads, decides, writes what it decided, and again when somebody else was faster. */
  #change<T>(key: string, decide: (before: Envelope | undefined) => { result: T; write?: Envelope }): Promise<T> {
    return this.#retry(key, async () => {
      const { envelope: before, revision } = await this.#read(key);
      const { result, write } = decide(before);
      if (write !== undefined) await this.#write(key, write, revision);
      return result;
    });
  }

  #retry<T>(key: string, attempt: () => Promise<T>): Promise<T> {
    const retrying = async (): Promise<T> => {
      for (let tries = 1; ; tries++) {
        try {
          return await sitOut(attempt);
        } catch (error) {
          if (!isConflict(error)) throw error;
          if (tries >= MAX_TRIES) {
            const message = `the variable ${key} was changed by others ${tries} times in a row`;
            throw new RayflowError("StoreConflict", message, { cause: error });
          }
          // Full jitter: competitors that met once should not meet again.
          await delay(Math.random() * Math.min(MAX_BACKOFF_MS, 2 ** tries));
        }
      }
    };
    const queued = (this.#queues.get(key) ?? Promise.resolve()).then(retrying, retrying);
    this.#queues.set(key, queued);
    const forget = () => {
      if (this.#queues.get(key) === queued) this.#queues.delete(key);
    };
    queued.then(forget, forget);
    return queued;
  }

  /** `revision` is that of the marker for a deleted entry, and 0 when there is not even one. */
  async #read(key: string): Promise<{ envelope: Envelope | undefined; revision: number; live: boolean }> {
    const entry = await this.#kv.get(key);
    if (!isLive(entry)) return { envelope: undefined, revision: entry?.revision ?? 0, live: false };
    return { envelope: this.#decode(key, entry.value), revision: entry.revision, live: true };
  }

  #decode(subject: string, bytes: Uint8Array): Envelope | undefined {
    const decoded = decodeMessage(envelope, bytes);
    if (decoded.ok) return decoded.value;
    this.refusals.add(subject, decoded.reason);
    return undefined;
  }

  async #write(key: string, content: Envelope, revision: number): Promise<number> {
    const bytes = encodeMessage(content);
    const limit = (this.#nc.info?.max_payload ?? 1024 * 1024) - MESSAGE_ROOM_BYTES;
    if (bytes.length > limit) {
      throw new RayflowError("PayloadTooLarge", `the variable ${key} is ${bytes.length} bytes; at most ${limit} fit`);
    }
    return this.#kv.put(key, bytes, { previousSeq: revision });
  }
}

function requireRevision(name: string, revision: number, expected: number | undefined): void {
  if (expected === undefined || expected === revision) return;
  const now = revision === 0 ? "it is not set" : `it is at revision ${revision}`;
  throw new RayflowError("RevisionConflict", `the variable ${name} was changed meanwhile: ${now} now`, {
    details: { name, revision },
  });
}

/** Where a variable's changes appear, each as a message. */
export function variableLocation(owner: VariableOwner, name: string): { stream: string; subject: string } {
  return { stream: bucketStream(BUCKETS.vars), subject: `$KV.${BUCKETS.vars}.${keyOf(owner, name)}` };
}

/** The value that such a message gave the variable; undefined when it deleted it. */
export function decodeVariable(message: JsMsg): { value: unknown } | undefined {
  const value = liveValue(message);
  const decoded = value === undefined ? undefined : decodeMessage(envelope, value);
  return decoded?.ok ? { value: decoded.value.value } : undefined;
}

function prefixOf(owner: VariableOwner): string {
  if (owner.scope === "run") return runPrefix(owner.run);
  return owner.scope === "flow" ? `flow.${safeToken(owner.flow)}` : "global";
}

function keyOf(owner: VariableOwner, name: string): string {
  const token = safeToken(name);
  if (name === "" || token.length > MAX_NAME_LENGTH) {
    throw new RayflowError("ValidationError", `not fit as a variable's name: ${JSON.stringify(name.slice(0, 100))}`);
  }
  return `${prefixOf(owner)}.${token}`;
}
