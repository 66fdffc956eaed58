/**
 * Large values in the object store `rayflow_blobs`, in the format of every NATS client: `nats object get` reads them.
 *
 * B1. A blob's name is `run/<run>/<sha256>`: the same value put twice is one blob, and another value never takes its
 *     place, so a redelivery that computes something else cannot spoil what the log refers to.
 * B2. Its chunks lie under `C.<run>.<sha256>.<put>`, so that all of a run, the chunks of puts that broke off included,
 *     goes with one purge.
 * B3. What is read is what the reference says, by its SHA-256, or it is an error.
 * B4. While the server is away, puts and reads are tried again until the signal aborts or the patience ends.
 */
import { createHash, randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { headers, type NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { type BlobReference, type BlobType, blobId, RayflowError } from "../flow/index.ts";
import { BUCKETS, objectStream, subjectToken } from "../nats/index.ts";
import { ByteCache } from "./byte-cache.ts";
import { readChunks } from "./read-chunks.ts";

export interface BlobStoreOptions {
  /** What was read or put last stays in memory, up to so many bytes. Default 64 MiB. */
  readonly cacheBytes?: number;
  /** How long a server that does not answer is asked again, ms. Default 30 000. */
  readonly patienceMs?: number;
  /** Whether the chunks of a put that broke off are deleted at once; they go with their run anyway. Default true. */
  readonly mayPurge?: boolean;
}

export interface PutOptions {
  readonly type: BlobType;
  /** For people who list the object store. */
  readonly description?: string;
  readonly signal?: AbortSignal | undefined;
}

const STREAM = objectStream(BUCKETS.blobs);
const CHUNKS = `$O.${BUCKETS.blobs}.C.`;
const CHUNK_BYTES = 128 * 1024;
/** Chunks that are on their way at once. */
const WINDOW = 16;
const REQUEST_TIMEOUT_MS = 5_000;
const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 1_000;
/** How often chunks that are not all there are looked for again: a replica may lag behind. */
const READ_ATTEMPTS = 5;

/** What an object store keeps of an object, as far as it matters here. */
const objectInfo = z.object({
  nuid: z.string().regex(/^[A-Za-z0-9_.-]+$/),
  size: z.number(),
  chunks: z.number(),
  deleted: z.boolean().optional(),
});

export class BlobStore {
  readonly #nc: NatsConnection;
  readonly #js: JetStreamClient;
  readonly #jsm: Promise<JetStreamManager>;
  readonly #cache: ByteCache;
  readonly #patienceMs: number;
  readonly #mayPurge: boolean;
  /** Blobs that are being read: who asks for the same one waits for it. */
  readonly #reading = new Map<string, Promise<Uint8Array>>();

  constructor(nc: NatsConnection, options: BlobStoreOptions = {}) {
    this.#nc = nc;
    this.#js = jetstream(nc);
    this.#jsm = jetstreamManager(nc, { checkAPI: false });
    this.#cache = new ByteCache(options.cacheBytes ?? 64 * 1024 * 1024);
    this.#patienceMs = options.patienceMs ?? 30_000;
    this.#mayPurge = options.mayPurge ?? true;
  }

  /** Stores a value's JSON for a run; gives the reference to it. @throws ConnectionFailed */
  async put(run: string, json: Uint8Array, options: PutOptions): Promise<BlobReference> {
    const sha256 = createHash("sha256").update(json).digest("hex");
    const id = blobId(subjectToken(run), sha256);
    const reference = { $blob: { id, size: json.length, sha256, type: options.type } };
    if (this.#cache.get(id) !== undefined) return reference;
    await this.#persist(`put ${id}`, options.signal, async () => {
      const found = await this.#info(id);
      if (found?.size === json.length) return;
      await this.#write(run, reference, json, options.description);
    });
    this.#cache.set(id, json);
    return reference;
  }

  /**
   * The JSON behind a reference. Whether the reader may see it is for the caller to know.
   * @throws DataNotAvailable when it is not there, or is not what the reference says; ConnectionFailed
   */
  async read(reference: BlobReference, signal?: AbortSignal): Promise<Uint8Array> {
    const { id } = reference.$blob;
    const known = this.#cache.get(id);
    if (known !== undefined) return known;
    let reading = this.#reading.get(id);
    if (reading === undefined) {
      reading = this.#persist(`read ${id}`, undefined, () => this.#fetch(reference)).finally(() =>
        this.#reading.delete(id),
      );
      this.#reading.set(id, reading);
    }
    const bytes = await abortable(reading, signal);
    this.#cache.set(id, bytes);
    return bytes;
  }

  /** Size of a value by the id in its reference, bytes of JSON; undefined when it is not there. */
  async sizeOf(id: string): Promise<number | undefined> {
    return (await this.#info(id))?.size;
  }

  /** Deletes all blobs of a run; gives how many there were. Safe to repeat. */
  async deleteRun(run: string): Promise<number> {
    const jsm = await this.#jsm;
    const chunks = `${CHUNKS}${subjectToken(run)}.>`;
    const { state } = await jsm.streams.info(STREAM, { subjects_filter: chunks });
    const digests = new Set(Object.keys(state.subjects ?? {}).map((subject) => subject.split(".")[4] ?? ""));
    // The chunks last: while they are there, a second try finds the names again.
    await Promise.all([...digests].map((sha256) => jsm.streams.purge(STREAM, { filter: nameSubject(run, sha256) })));
    if (digests.size > 0) await jsm.streams.purge(STREAM, { filter: chunks });
    return digests.size;
  }

  /** The runs that have blobs, and when each got its last one, ms since 1970. */
  async *runs(): AsyncGenerator<{ readonly run: string; readonly lastPutMs: number }> {
    const jsm = await this.#jsm;
    const { state } = await jsm.streams.info(STREAM, { subjects_filter: `${CHUNKS}*.*.*` });
    const runs = new Set(Object.keys(state.subjects ?? {}).map((subject) => subject.split(".")[3] ?? ""));
    for (const run of runs) {
      const last = await jsm.streams.getMessage(STREAM, { last_by_subj: `${CHUNKS}${run}.>` });
      if (last !== null) yield { run, lastPutMs: last.time.getTime() };
    }
  }

  /**
   * Deletes the blobs of every run that nobody keeps any more; gives their runs. What is younger than `minAgeMs` stays
   * in any case: inputs are put before their run is submitted.
   */
  async sweep(isKept: (run: string) => Promise<boolean>, minAgeMs: number): Promise<string[]> {
    const deleted: string[] = [];
    for await (const { run, lastPutMs } of this.runs()) {
      if (Date.now() - lastPutMs < minAgeMs || (await isKept(run))) continue;
      await this.deleteRun(run);
      deleted.push(run);
    }
    return deleted;
  }

  async #write(run: string, reference: BlobReference, json: Uint8Array, description = ""): Promise<void> {
    const { id, sha256, size } = reference.$blob;
    const nuid = `${subjectToken(run)}.${sha256}.${randomUUID().replaceAll("-", "")}`;
    const subject = `${CHUNKS}${nuid}`;
    const chunkBytes = Math.min(CHUNK_BYTES, this.#nc.info?.max_payload ?? CHUNK_BYTES);
    const chunks = Math.ceil(size / chunkBytes);
    try {
      let lastSeq = 0;
      for (let first = 0; first < chunks; first += WINDOW) {
        const window = Array.from({ length: Math.min(WINDOW, chunks - first) }, (_, at) => {
          const from = (first + at) * chunkBytes;
          return this.#js.publish(subject, json.subarray(from, from + chunkBytes), { timeout: REQUEST_TIMEOUT_MS });
        });
        for (const { seq } of await Promise.all(window)) {
          if (seq <= lastSeq) throw new RayflowError("ConnectionFailed", "chunks came out of order");
          lastSeq = seq;
        }
      }
    } catch (error) {
      if (this.#mayPurge) await (await this.#jsm).streams.purge(STREAM, { filter: subject }).catch(() => {});
      throw error;
    }
    const info = {
      name: id,
      description,
      options: { max_chunk_size: chunkBytes },
      bucket: BUCKETS.blobs,
      nuid,
      size,
      chunks,
      mtime: new Date().toISOString(),
      digest: `SHA-256=${base64url(Buffer.from(sha256, "hex"))}`,
      deleted: false,
    };
    const head = headers();
    head.set("Nats-Rollup", "sub");
    await this.#js.publish(nameSubject(run, sha256), JSON.stringify(info), {
      headers: head,
      timeout: REQUEST_TIMEOUT_MS,
    });
  }

  async #fetch(reference: BlobReference): Promise<Uint8Array> {
    const { id, size, sha256 } = reference.$blob;
    for (let attempt = 1; ; attempt++) {
      const info = await this.#info(id);
      if (info === undefined) throw unavailable(id, "it is not in the object store: its run's blobs were deleted");
      const subject = `${CHUNKS}${info.nuid}`;
      const bytes = info.size === size ? await readChunks(await this.#jsm, STREAM, subject, size) : undefined;
      if (bytes && createHash("sha256").update(bytes).digest("hex") === sha256) return bytes;
      if (attempt === READ_ATTEMPTS) throw unavailable(id, "what is stored is not what was put");
      await delay(FIRST_RETRY_MS * 2 ** attempt);
    }
  }

  /** Undefined when there is no such object. Asked of the leader: a replica might not know it yet. */
  async #info(id: string): Promise<z.infer<typeof objectInfo> | undefined> {
    const [, run = "", sha256 = ""] = id.split("/");
    const stored = await (await this.#jsm).streams.getMessage(STREAM, { last_by_subj: nameSubject(run, sha256) });
    const parsed = stored === null ? undefined : objectInfo.safeParse(stored.json());
    return parsed?.success && parsed.data.deleted !== true ? parsed.data : undefined;
  }

  async #persist<T>(what: string, signal: AbortSignal | undefined, attempt: () => Promise<T>): Promise<T> {
    const until = performance.now() + this.#patienceMs;
    for (let waitMs = FIRST_RETRY_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_RETRY_MS)) {
      signal?.throwIfAborted();
      try {
        return await abortable(attempt(), signal);
      } catch (cause) {
        signal?.throwIfAborted();
        if (cause instanceof RayflowError && cause.code === "DataNotAvailable") throw cause;
        if (performance.now() + waitMs > until || this.#nc.isClosed()) {
          const why = cause instanceof Error ? cause.message : String(cause);
          throw new RayflowError("ConnectionFailed", `the object store could not ${what}: ${why}`, { cause });
        }
        await delay(waitMs);
      }
    }
  }
}

function nameSubject(run: string, sha256: string): string {
  return `$O.${BUCKETS.blobs}.M.${base64url(Buffer.from(blobId(run, sha256)))}`;
}

/** With padding, as the object stores of all clients write it. */
function base64url(bytes: Buffer): string {
  return bytes.toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}

function unavailable(id: string, why: string): RayflowError {
  return new RayflowError("DataNotAvailable", `the value ${id} cannot be read: ${why}`, { details: { blob: id } });
}

/** Stops waiting when the signal aborts. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  // What comes of it later is nobody's concern.
  promise.catch(() => {});
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
