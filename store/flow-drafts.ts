/**
 * Working copies of flows, in the bucket `rayflow_flows` beside the deployed ones: `d.<name>` is what was saved last,
 * valid or not, as it was sent.
 *
 * D1. A copy is replaced only from the revision that the writer names: nobody writes over what he has not seen.
 * D2. What a list needs stands in headers: the flows themselves are not read for it.
 */
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { DeliverPolicy, type JetStreamClient, jetstream } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import { headers, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { ID_PATTERN, normalizeFlow, RayflowError, triggersOf } from "../flow/index.ts";
import { BUCKETS, bucketStream, decodeMessage, encodeMessage, RefusalCounter, subjectToken } from "../nats/index.ts";
import { isConflict, isLive, liveValue, openBucket, readBounded } from "./bucket.ts";
import { checkFlowName, versionOf } from "./flow-version.ts";

/** What is known of a working copy without reading it. */
export interface DraftSummary {
  readonly name: string;
  /** Grows with every save. */
  readonly revision: number;
  /** ms since 1970. */
  readonly savedMs: number;
  readonly nodes: number;
  /** The version that it would be deployed as; undefined when it is no flow at all. */
  readonly version: string | undefined;
}

export interface Draft extends DraftSummary {
  readonly flow: Readonly<Record<string, unknown>>;
}

const stored = z.object({ v: z.literal(1), flow: z.record(z.string(), z.unknown()) });
const HEADERS = { saved: "Rayflow-Saved", nodes: "Rayflow-Nodes", version: "Rayflow-Version" };
const compress = promisify(gzip);
const decompress = promisify(gunzip);
/** A flow is text that repeats itself: 10,000 nodes fit a message. */
const GZIP_LEVEL = 6;
const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;
const ENTRY_ROOM_BYTES = 4_096;
const PREFIX = `$KV.${BUCKETS.flows}.d.`;

export class FlowDrafts {
  readonly #nc: NatsConnection;
  readonly #js: JetStreamClient;
  readonly #kv: KV;
  /** Entries that somebody else wrote and that could not be read. */
  readonly refusals = new RefusalCounter();

  private constructor(nc: NatsConnection, kv: KV) {
    this.#nc = nc;
    this.#js = jetstream(nc);
    this.#kv = kv;
  }

  static async open(nc: NatsConnection): Promise<FlowDrafts> {
    return new FlowDrafts(nc, await openBucket(nc, BUCKETS.flows));
  }

  /** By name. */
  async list(): Promise<DraftSummary[]> {
    const found: DraftSummary[] = [];
    const messages = readBounded(this.#js, {
      stream: bucketStream(BUCKETS.flows),
      filter: `${PREFIX}*`,
      deliver: DeliverPolicy.LastPerSubject,
      headersOnly: true,
    });
    for await (const message of messages) {
      if (liveValue(message) === undefined) continue;
      found.push(summaryOf(message.subject.slice(PREFIX.length), message.seq, message.headers));
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Undefined when there is none, or it cannot be read. */
  async get(name: string): Promise<Draft | undefined> {
    if (!ID_PATTERN.test(name)) return undefined;
    const entry = await this.#kv.get(`d.${name}`);
    if (!isLive(entry)) return undefined;
    const bytes = await decompress(entry.value, { maxOutputLength: MAX_UNPACKED_BYTES }).catch(() => undefined);
    const decoded = bytes && decodeMessage(stored, bytes);
    if (!decoded?.ok) {
      this.refusals.add(`${BUCKETS.flows}.d.${name}`, decoded?.reason ?? "it cannot be unpacked");
      return undefined;
    }
    const { flow } = decoded.value;
    return { ...describe(name, flow), revision: entry.revision, savedMs: entry.created.getTime(), flow };
  }

  /**
   * Keeps a working copy; gives what it is now. `expected`: the revision that is to be replaced, 0 for none; undefined
   * replaces whatever is there.
   * @throws RevisionConflict (details: revision), ValidationError for the name, PayloadTooLarge
   */
  async save(name: string, flow: Readonly<Record<string, unknown>>, expected?: number): Promise<DraftSummary> {
    checkFlowName(name);
    const { nodes, version } = describe(name, flow);
    const savedMs = Date.now();
    const packed = await compress(encodeMessage({ v: 1, flow }), { level: GZIP_LEVEL });
    const limit = (this.#nc.info?.max_payload ?? 1 << 20) - ENTRY_ROOM_BYTES;
    if (packed.length > limit) {
      const message = `the flow takes ${packed.length} bytes packed; ${limit} fit a message`;
      throw new RayflowError("PayloadTooLarge", message);
    }
    const head = headers();
    head.set(HEADERS.saved, String(savedMs));
    head.set(HEADERS.nodes, String(nodes));
    if (version !== undefined) head.set(HEADERS.version, version);
    const revision = await this.#replace(name, expected, packed, head);
    return { name, revision, savedMs, nodes, version };
  }

  /** False when there was none. @throws RevisionConflict */
  async delete(name: string, expected?: number): Promise<boolean> {
    if (!ID_PATTERN.test(name)) return false;
    const entry = await this.#kv.get(`d.${name}`);
    const revision = isLive(entry) ? entry.revision : 0;
    if (expected !== undefined && expected !== revision) throw conflict(name, revision);
    if (!isLive(entry)) return false;
    try {
      await this.#kv.delete(`d.${name}`, expected === undefined ? {} : { previousSeq: expected });
    } catch (error) {
      throw isConflict(error) ? conflict(name, undefined, error) : error;
    }
    return true;
  }

  async #replace(name: string, expected: number | undefined, packed: Uint8Array, head: MsgHdrs): Promise<number> {
    const subject = PREFIX + subjectToken(name);
    if (expected === undefined) return (await this.#js.publish(subject, packed, { headers: head })).seq;
    // After a deletion the marker's revision is the one to name.
    const entry = await this.#kv.get(`d.${name}`);
    const revision = isLive(entry) ? entry.revision : 0;
    if (revision !== expected) throw conflict(name, revision);
    try {
      const expect = { lastSubjectSequence: entry?.revision ?? 0 };
      return (await this.#js.publish(subject, packed, { headers: head, expect })).seq;
    } catch (error) {
      throw isConflict(error) ? conflict(name, undefined, error) : error;
    }
  }
}

/** What can be said of a flow's JSON, whatever it holds. */
function describe(name: string, json: unknown): Pick<DraftSummary, "name" | "nodes" | "version"> {
  const { flow } = normalizeFlow(json);
  if (flow === undefined) return { name, nodes: 0, version: undefined };
  return { name, nodes: flow.nodes.length, version: versionOf({ ...flow, name }, triggersOf(json).triggers) };
}

function summaryOf(name: string, revision: number, from: MsgHdrs | undefined): DraftSummary {
  return {
    name,
    revision,
    savedMs: Number(from?.get(HEADERS.saved)) || 0,
    nodes: Number(from?.get(HEADERS.nodes)) || 0,
    version: from?.get(HEADERS.version) || undefined,
  };
}

function conflict(name: string, revision: number | undefined, cause?: unknown): RayflowError {
  const now = revision === undefined ? "" : `: it is at revision ${revision} now`;
  return new RayflowError("RevisionConflict", `somebody else has changed ${name} meanwhile${now}`, {
    ...(cause === undefined ? {} : { cause }),
    details: { name, ...(revision === undefined ? {} : { revision }) },
  });
}
