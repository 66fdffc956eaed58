/**
 * Results of nodes whose policy says that they may be used again, in the bucket `rayflow_cache`.
 *
 * C1. It is never in the way: what cannot be read is a miss, what cannot be written is left out, both within two seconds.
 * C2. An entry is gone when its time is over, by the server's clock and by the reader's.
 */
import { createHash } from "node:crypto";
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { isBlobReference, RayflowError, runOfBlob } from "../flow/index.ts";
import { BUCKETS, bucketStream, decodeMessage, encodeMessage, subjectToken } from "../nats/index.ts";

/** What a node gave. */
export interface CachedOutcome {
  readonly outputs: Record<string, unknown>;
  readonly exec?: readonly string[] | undefined;
}

export interface CacheKeyParts {
  readonly type: string;
  readonly version: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** As they were sent: a reference counts as what it refers to. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** The runs whose references are honoured. */
  readonly runs: readonly string[];
  /** `policy.cache.key`: the inputs that it names as `{name}` count, no others. */
  readonly template?: string | undefined;
}

const stored = z.object({
  v: z.literal(1),
  outputs: z.record(z.string(), z.unknown()),
  exec: z.array(z.string()).optional(),
  /** Ms since 1970. */
  expires_at: z.number(),
});

/** Larger results are not kept, bytes. */
const MAX_ENTRY_BYTES = 256 * 1024;
const TIMEOUT_MS = 2_000;
const STREAM = bucketStream(BUCKETS.cache);

export class ResultCache {
  readonly #js: JetStreamClient;
  readonly #jsm: Promise<JetStreamManager>;

  constructor(nc: NatsConnection) {
    this.#js = jetstream(nc);
    this.#jsm = jetstreamManager(nc, { checkAPI: false, timeout: TIMEOUT_MS });
  }

  /** Undefined when there is none, or nobody can say. */
  async get(key: string): Promise<CachedOutcome | undefined> {
    try {
      const { direct } = await this.#jsm;
      const message = await direct.getMessage(STREAM, { last_by_subj: `$KV.${BUCKETS.cache}.${key}` });
      // A deleted or expired entry leaves a marker without content.
      const decoded = message?.data.length ? decodeMessage(stored, message.data) : undefined;
      if (!decoded?.ok || decoded.value.expires_at <= Date.now()) return undefined;
      const { outputs, exec } = decoded.value;
      return exec === undefined ? { outputs } : { outputs, exec };
    } catch {
      return undefined;
    }
  }

  /** Whether it is kept now. */
  async put(key: string, { outputs, exec }: CachedOutcome, ttlMs: number): Promise<boolean> {
    try {
      const entry = { v: 1, outputs, ...(exec === undefined ? {} : { exec }), expires_at: Date.now() + ttlMs };
      const bytes = encodeMessage(entry);
      if (bytes.length > MAX_ENTRY_BYTES) return false;
      // The server counts in whole seconds.
      const ttl = `${Math.max(1, Math.ceil(ttlMs / 1000))}s`;
      await this.#js.publish(`$KV.${BUCKETS.cache}.${key}`, bytes, { ttl, timeout: TIMEOUT_MS });
      return true;
    } catch {
      return false;
    }
  }
}

/**
 * The key of a result: `<type>.<hash>`.
 * @throws ValidationError when the template names an input that has no value
 */
export function cacheKey({ type, version, config, inputs, runs, template }: CacheKeyParts): string {
  const hash = createHash("sha256");
  hash.update(canonicalJson([type, version, config], []));
  hash.update(template === undefined ? "inputs" : `template ${JSON.stringify(template)}`);
  if (template === undefined) hash.update(canonicalJson(inputs, runs));
  else for (const name of namesIn(template, inputs)) hash.update(`,${canonicalJson(inputs[name], runs)}`);
  return `${subjectToken(type)}.${hash.digest("base64url")}`;
}

function namesIn(template: string, inputs: Readonly<Record<string, unknown>>): string[] {
  return [...template.matchAll(/\{([^{}]*)\}/g)].map(([, name = ""]) => {
    if (Object.hasOwn(inputs, name) && inputs[name] !== undefined) return name;
    throw new RayflowError("ValidationError", `policy.cache.key names the input "${name}", which has no value here`);
  });
}

/**
 * The same text for the same value, whatever order its keys came in. A reference of these runs stands as the hash of its
 * content, in a form that no JSON has.
 */
function canonicalJson(value: unknown, runs: readonly string[]): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item, runs)).join(",")}]`;
  if (isBlobReference(value) && runs.includes(runOfBlob(value))) return `#${value.$blob.sha256}`;
  const object = value as Record<string, unknown>;
  const entries = Object.keys(object)
    .filter((key) => object[key] !== undefined)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(object[key], runs)}`);
  return `{${entries.join(",")}}`;
}
