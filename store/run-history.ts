/**
 * What is left of runs when the hot log has been trimmed, in RAYFLOW_HISTORY. A finished run is one message, its
 * headers enough for a list, its body the run's log; a long run leaves segments of its log behind on the way, one at
 * each snapshot, under the same subject. A body that is too large for a message lies in the object store.
 *
 * H1. What is written twice after a recovery, also with another cut, is read once: entries are told apart by sequence.
 */
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import {
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  jetstream,
  jetstreamManager,
  PubHeaders,
} from "@nats-io/jetstream";
import { Objm } from "@nats-io/obj";
import type { MsgHdrs, NatsConnection } from "@nats-io/transport-node";
import {
  BUCKETS,
  decodeMessage,
  encodeMessage,
  outgoingHeaders,
  publisherOn,
  RefusalCounter,
  type RunResult,
  type RunStatus,
  STREAMS,
  subjects,
} from "../nats/index.ts";
import { type BlueprintStore, blueprintsOn } from "./blueprint-store.ts";
import { readBounded } from "./bucket.ts";
import { packEntries, unpackEntries } from "./history-entries.ts";
import { type HistorySummary, headersOf, historyHeaders, summaryOf } from "./history-headers.ts";
import { type HistoryRecord, historySegment, storedRecord } from "./history-record.ts";
import { type LogEntry, toLogEntry } from "./log-entry.ts";

/** A segment of a run's log, or, with `record`, its end. */
export interface HistoryPart {
  /** Its place in the history. */
  readonly at: number;
  readonly entries: readonly LogEntry[];
  readonly record: HistoryRecord | undefined;
}

export interface HistoryQuery {
  /** Default 50. */
  readonly limit?: number;
  readonly flow?: string;
  readonly status?: RunStatus;
  /** Only what lies before this place in the history. */
  readonly before?: number;
  /** Only what lies behind this place. */
  readonly after?: number;
}

const compress = promisify(gzip);
const decompress = promisify(gunzip);
/** The log is text that repeats itself: the fastest level already takes most of it. */
const GZIP_LEVEL = 1;
/** Below this a body goes as it is: the stream packs whole blocks of them, better and for less. */
const PLAIN_BYTES = 16 * 1024;
const MAX_BODY_BYTES = 900 * 1024;
const HEADER_ROOM_BYTES = 8 * 1024;
const MAX_UNPACKED_BYTES = 512 * 1024 * 1024;
const MAX_FLOW_NAME_LENGTH = 100;
const FIRST_WINDOW = 256;

export class RunHistory {
  readonly refusals = new RefusalCounter();
  readonly #nc: NatsConnection;
  readonly #js: JetStreamClient;
  readonly #jsm: Promise<JetStreamManager>;
  readonly #blueprints: BlueprintStore;

  constructor(nc: NatsConnection) {
    this.#nc = nc;
    this.#js = jetstream(nc);
    this.#jsm = jetstreamManager(nc, { checkAPI: false });
    this.#blueprints = blueprintsOn(nc);
  }

  /** Safe to repeat: the run is in the history once. */
  async write(record: Omit<HistoryRecord, "v">): Promise<void> {
    const run = record.result.run_id;
    await this.#touch(record.entries);
    const entries = packEntries(run, record.entries, record.result);
    await this.#publish(record.flow, run, `history:${run}`, { v: 2, ...record, entries }, headersOf(record));
  }

  /** Puts a part of a run's log aside before the run has ended. Safe to repeat. */
  async writeSegment(flow: string, run: string, entries: readonly LogEntry[]): Promise<void> {
    const [first, last] = [entries[0], entries.at(-1)];
    if (!first || !last) return;
    const made = outgoingHeaders();
    made.set(historyHeaders.segment, `${first.seq}-${last.seq}`);
    await this.#touch(entries);
    const packed = packEntries(run, entries, undefined);
    await this.#publish(flow, run, `history:${run}:${first.seq}-${last.seq}`, { v: 2, run, entries: packed }, made);
  }

  /** Makes sure that the flow of these entries stays for as long as they do: it is not written with them. */
  async #touch(entries: readonly LogEntry[]): Promise<void> {
    for (const entry of entries) {
      if (entry.kind !== "run" || entry.message.kind !== "submitted") continue;
      const { blueprint } = entry.message;
      if (blueprint !== undefined) await this.#blueprints.touch(blueprint, entry.message);
    }
  }

  async #publish(flow: string, run: string, msgID: string, content: unknown, made: MsgHdrs): Promise<void> {
    const json = encodeMessage(content);
    const plain = json.length <= PLAIN_BYTES;
    const body = plain ? json : await compress(json, { level: GZIP_LEVEL });
    const limit = Math.min(MAX_BODY_BYTES, (this.#nc.info?.max_payload ?? 1024 * 1024) - HEADER_ROOM_BYTES);
    const inline = body.length <= limit;
    made.set(historyHeaders.body, plain ? "json" : inline ? "gzip" : "object");
    if (!inline) {
      const blobs = await new Objm(this.#js).open(BUCKETS.blobs, false);
      await blobs.putBlob({ name: blobName(msgID) }, body);
    }
    const subject = subjects.history(flow.slice(0, MAX_FLOW_NAME_LENGTH), run);
    await publisherOn(this.#nc).publish(subject, inline ? body : new Uint8Array(), { msgID, headers: made });
  }

  /** Undefined when no such run has finished, or it has aged out. */
  async read(run: string): Promise<HistoryRecord | undefined> {
    const { parts, last } = await this.#readParts(run);
    return last && { ...last, entries: inOrder([...parts, ...last.entries]) };
  }

  /** How a run ended, without the rest of what a long one has left; undefined when it has not ended. */
  async readResult(run: string): Promise<RunResult | undefined> {
    const end = await this.#findEnd(run);
    if (end === undefined) return undefined;
    for await (const part of this.parts(run, end.at - 1)) if (part.record) return part.record.result;
    return undefined;
  }

  /** The sequence of the run's `finished` message in the log; undefined when it has not ended. Reads headers alone. */
  async endSeq(run: string): Promise<number | undefined> {
    return (await this.#findEnd(run))?.seq;
  }

  async #findEnd(run: string): Promise<{ at: number; seq: number } | undefined> {
    const filter = subjects.historyOfRun(run);
    const last = await (await this.#jsm).direct.getMessage(STREAMS.history, { last_by_subj: filter });
    if (last === null) return undefined;
    if (!last.header.has(historyHeaders.segment)) {
      return { at: last.seq, seq: Number(last.header.get(historyHeaders.seq)) };
    }
    // A segment comes last while the run goes on; or because one who had lost the partition was late.
    let end: { at: number; seq: number } | undefined;
    for await (const { seq, headers } of readBounded(this.#js, {
      stream: STREAMS.history,
      filter,
      headersOnly: true,
    })) {
      if (!headers?.has(historyHeaders.segment)) end = { at: seq, seq: Number(headers?.get(historyHeaders.seq)) };
    }
    return end;
  }

  /** What a run that goes on has left of its log so far, in order. */
  async readSegments(run: string): Promise<LogEntry[]> {
    return inOrder((await this.#readParts(run)).parts);
  }

  async #readParts(run: string): Promise<{ parts: LogEntry[]; last: HistoryRecord | undefined }> {
    const parts: LogEntry[] = [];
    let last: HistoryRecord | undefined;
    for await (const { entries, record } of this.parts(run)) {
      if (record) last = record;
      else parts.push(...entries);
    }
    return { parts, last };
  }

  /** What there is of a run, oldest first, one piece in memory at a time. `after`: the `at` of a piece that is known. */
  async *parts(run: string, after = 0): AsyncGenerator<HistoryPart> {
    for await (const message of readBounded(this.#js, {
      stream: STREAMS.history,
      filter: subjects.historyOfRun(run),
      fromSeq: after + 1,
    })) {
      const part = await this.partOf(message);
      if (part) yield part;
    }
  }

  /** What a message of the history holds; undefined when it cannot be read. */
  async partOf(message: JsMsg): Promise<HistoryPart | undefined> {
    const bytes = await this.#body(message);
    const segment = message.headers?.has(historyHeaders.segment);
    const decoded = bytes && decodeMessage(segment ? historySegment : storedRecord, bytes);
    if (!decoded?.ok) {
      this.refusals.add(message.subject, decoded?.reason ?? "its body cannot be read");
      return undefined;
    }
    const { value } = decoded;
    const record = "result" in value ? value : undefined;
    const run = "run" in value ? value.run : value.result.run_id;
    const whole = unpackEntries(run, value.entries, record?.result).map((one) => toLogEntry(one, this.#blueprints));
    const entries = await Promise.all(whole);
    return { at: message.seq, entries, record: record && { ...record, v: 1, entries } };
  }

  /** The last message of the log that the history holds of a run; 0 when it holds none. Reads headers alone. */
  async lastSeqOf(run: string): Promise<number> {
    let last = 0;
    const filter = subjects.historyOfRun(run);
    for await (const { headers } of readBounded(this.#js, { stream: STREAMS.history, filter, headersOnly: true })) {
      const seq = headers?.get(historyHeaders.segment)?.split("-")[1] || headers?.get(historyHeaders.seq);
      last = Math.max(last, Number(seq) || 0);
    }
    return last;
  }

  async #body({ headers: head, data }: JsMsg): Promise<Uint8Array | undefined> {
    let packed: Uint8Array | null = data;
    if (head?.get(historyHeaders.body) === "json") return data;
    if (head?.get(historyHeaders.body) === "object") {
      const name = blobName(head.get(PubHeaders.MsgIdHdr));
      packed = await (await new Objm(this.#js).open(BUCKETS.blobs, false)).getBlob(name);
    }
    return packed === null
      ? undefined
      : decompress(packed, { maxOutputLength: MAX_UNPACKED_BYTES }).catch(() => undefined);
  }

  /** The last finished runs, newest first. Reads headers alone, and from the end. */
  async list(query: HistoryQuery = {}): Promise<HistorySummary[]> {
    const limit = query.limit ?? 50;
    const { streams } = await this.#jsm;
    const { first_seq, last_seq } = (await streams.info(STREAMS.history)).state;
    const found: HistorySummary[] = [];
    const flow = query.flow?.slice(0, MAX_FLOW_NAME_LENGTH);
    const filter = flow === undefined ? subjects.historyAll() : subjects.historyOfFlow(flow);
    let window = Math.max(FIRST_WINDOW, limit);
    const newest = Math.min(last_seq, (query.before ?? Number.POSITIVE_INFINITY) - 1);
    const oldest = Math.max(first_seq, 1, (query.after ?? 0) + 1);
    for (let end = newest; end >= oldest && found.length < limit; window *= 4) {
      const start = Math.max(oldest, end - window + 1);
      const inWindow: HistorySummary[] = [];
      const messages = readBounded(this.#js, {
        stream: STREAMS.history,
        filter,
        fromSeq: start,
        throughSeq: end,
        headersOnly: true,
      });
      for await (const { subject, headers, seq } of messages) {
        if (headers?.has(historyHeaders.segment)) continue;
        const summary = summaryOf(subject, seq, headers);
        if (summary === undefined) this.refusals.add(subject, "its headers are off");
        else if (query.status === undefined || summary.status === query.status) inWindow.push(summary);
      }
      found.push(...inWindow.reverse());
      end = start - 1;
    }
    return found.slice(0, limit);
  }
}

function blobName(msgId: string): string {
  return msgId.replaceAll(":", "/");
}

function inOrder(entries: readonly LogEntry[]): LogEntry[] {
  const bySeq = new Map(entries.map((entry) => [entry.seq, entry]));
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}
