/** What the hot log says of all its runs at once. */
import { jetstream, PubHeaders } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { headerNames, parseLogSubject, partitionOf, STREAMS, subjects } from "../nats/index.ts";
import { blueprintsOn } from "./blueprint-store.ts";
import { readBounded } from "./bucket.ts";
import { decodeLogEntry, type LogEntry, ofPartition, oneByOne, quietGuard, timeOf, toLogEntry } from "./log-entry.ts";
import { subjectsOf } from "./log-feed.ts";
import { tokensOn } from "./token-keys.ts";

export interface RunHead {
  readonly run: string;
  readonly partition: number;
  /** Sequence of its first message in the log; undefined when that was trimmed: then it has a snapshot. */
  readonly firstSeq: number | undefined;
  /** Its last message that is its own: a submission, a timer, a signal; not a result. */
  readonly lastSeq: number;
  /** When that was stored, ms since 1970. */
  readonly lastMs: number;
  readonly ended: boolean;
}

/** The runs that have messages of their own in the log, or behind a sequence of it. Reads headers alone. */
export async function runHeads(nc: NatsConnection, partitions: number, fromSeq = 1): Promise<Map<string, RunHead>> {
  const heads = new Map<string, RunHead>();
  const read = { stream: STREAMS.log, filter: subjects.runAll(), headersOnly: true, fromSeq };
  for await (const message of readBounded(jetstream(nc), read)) {
    const { subject, seq, headers } = message;
    const from = parseLogSubject(subject);
    if (from?.kind === "ends") {
      const at = { lastSeq: seq, lastMs: timeOf(message), ended: true };
      for (const run of headers?.get(headerNames.ends).split(",") ?? []) {
        heads.set(run, { run, partition: partitionOf(run, partitions), firstSeq: heads.get(run)?.firstSeq, ...at });
      }
    }
    if (from?.kind !== "run") continue;
    const { run, partition } = from;
    const known = heads.get(run);
    // Ids of messages are derived from the run: what they are can be told without their content.
    const id = headers?.get(PubHeaders.MsgIdHdr);
    const firstSeq = known?.firstSeq ?? (id?.startsWith(`${run}:submitted~`) ? seq : undefined);
    const ended = known?.ended === true || id?.startsWith(`${run}:finished~`) === true;
    heads.set(run, { run, partition, firstSeq, lastSeq: seq, lastMs: timeOf(message), ended });
  }
  return heads;
}

/** The entries of one partition that are in the log now, of all its runs. */
export async function* partitionEntries(
  nc: NatsConnection,
  at: { readonly partition: number; readonly partitions: number; readonly fromSeq: number },
): AsyncGenerator<LogEntry> {
  const { partition, partitions, fromSeq } = at;
  const filter = subjectsOf([partition]);
  const js = jetstream(nc);
  const blueprints = blueprintsOn(nc);
  const guard = quietGuard(await tokensOn(nc));
  const end = (await js.jetstreamManager(false)).streams.info(STREAMS.log);
  const throughSeq = (await end).state.last_seq;
  for await (const message of readBounded(js, { stream: STREAMS.log, filter, fromSeq, throughSeq })) {
    const { subject, seq, data } = message;
    const decoded = decodeLogEntry({ subject, seq, data, timeMs: timeOf(message) }, partitions, guard);
    const entry = decoded.ok ? ofPartition(decoded, partition, partitions) : undefined;
    if (entry?.kind === "ends") yield* oneByOne(entry);
    else if (entry) yield await toLogEntry(entry, blueprints);
  }
}
