/**
 * A backup of everything that RayFlow keeps on a server, taken while runs go on, and the way back.
 *
 * U1. It is as if all of RayFlow had been killed at the moment of the log's snapshot: what is in the backup recovers as it
 *     does from a crash. For that the streams are read in order: what only looks back (checkpoints, submissions, timers,
 *     history) before the log, what the log refers to (variables, values, flows) after it.
 * U2. The log may be trimmed between the checkpoints' snapshot and its own; then both are read again.
 * U3. The dispatch queue is derived from the log and is not in it.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { RayflowError } from "../flow/index.ts";
import {
  BUCKETS,
  bucketStream,
  ensureTopology,
  objectStream,
  readSnapshot,
  STREAMS,
  streamsThere,
  writeSnapshot,
} from "../nats/index.ts";
import { CheckpointStore } from "./checkpoint-store.ts";

const manifest = z.object({
  v: z.literal(1),
  /** ISO 8601. */
  created_at: z.string(),
  streams: z.array(
    z.object({
      name: z.string(),
      file: z.string(),
      bytes: z.number(),
      messages: z.number(),
      sha256: z.string(),
      config: z.record(z.string(), z.unknown()),
      state: z.record(z.string(), z.unknown()),
    }),
  ),
});
export type BackupManifest = z.infer<typeof manifest>;
type StreamBackup = BackupManifest["streams"][number];

const MANIFEST = "backup.json";
const PART_BYTES = 128 * 1024;
const MAX_TRIES = 10;

const checkpoints = bucketStream(BUCKETS.checkpoints);
const BEFORE_LOG: readonly string[] = [checkpoints, STREAMS.submit, STREAMS.timers, STREAMS.history];
const AFTER_LOG: readonly string[] = Object.values(BUCKETS)
  .map((bucket) => (bucket === BUCKETS.blobs ? objectStream(bucket) : bucketStream(bucket)))
  .filter((stream) => stream !== checkpoints);
const ALL: readonly string[] = [...BEFORE_LOG, STREAMS.log, ...AFTER_LOG];

/**
 * Writes a backup into a folder, which must be empty or not there. `onStream` hears of each stream that is done.
 * @throws UsageError, ConnectionFailed, StoreConflict when the log is trimmed again and again meanwhile
 */
export async function backUp(
  nc: NatsConnection,
  folder: string,
  onStream: (stream: StreamBackup) => void = () => {},
): Promise<BackupManifest> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (await exists(path.join(folder, MANIFEST)))
    throw new RayflowError("UsageError", `${folder} holds a backup already`);
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const there = new Set(await streamsThere(jsm, ALL));
  if (!there.has(STREAMS.log)) throw new RayflowError("UsageError", "there is no RayFlow on this server");
  const take = async (names: readonly string[]): Promise<StreamBackup[]> => {
    const taken: StreamBackup[] = [];
    for (const name of names.filter((one) => there.has(one))) taken.push(await takeStream(nc, folder, name));
    return taken;
  };
  let untilLog: StreamBackup[] = [];
  for (let tries = 1; ; tries++) {
    const needed = await oldestNeeded(nc);
    untilLog = await take([...BEFORE_LOG, STREAMS.log]);
    const firstSeq = Number(untilLog.find(({ name }) => name === STREAMS.log)?.state.first_seq);
    if (firstSeq <= needed) break;
    if (tries === MAX_TRIES) throw new RayflowError("StoreConflict", "the log is trimmed faster than it is read");
  }
  const streams = [...untilLog, ...(await take(AFTER_LOG))];
  for (const stream of streams) onStream(stream);
  const made: BackupManifest = { v: 1, created_at: new Date().toISOString(), streams };
  // Last: a folder without it is no backup.
  await writeFile(path.join(folder, MANIFEST), `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600 });
  return made;
}

/** Where a recovery from the checkpoints of now would begin to read the log. */
async function oldestNeeded(nc: NatsConnection): Promise<number> {
  const { partitions } = await ensureTopology(nc);
  const store = await CheckpointStore.open(nc);
  const all = await Promise.all(Array.from({ length: partitions }, (_, partition) => store.read(partition)));
  // Where a partition has no checkpoint yet, nothing is trimmed.
  return Math.min(...all.map(({ checkpoint }) => checkpoint?.replay_from ?? Number.POSITIVE_INFINITY));
}

async function takeStream(nc: NatsConnection, folder: string, name: string): Promise<StreamBackup> {
  const file = `${name}.snapshot`;
  const hash = createHash("sha256");
  let bytes = 0;
  const handle = await open(path.join(folder, file), "w", 0o600);
  try {
    const info = await readSnapshot(nc, name, async (part) => {
      hash.update(part);
      bytes += part.length;
      await handle.write(part);
    });
    await handle.sync();
    return {
      name,
      file,
      bytes,
      messages: Number(info.state.messages),
      sha256: hash.digest("hex"),
      config: { ...info.config },
      state: { ...info.state },
    };
  } finally {
    await handle.close();
  }
}

export interface RestoreOptions {
  /** Copies of each stream; default: as they were. */
  readonly replicas?: number | undefined;
  readonly onStream?: (stream: StreamBackup) => void;
}

/**
 * Makes all streams from a backup, on a server that has none of RayFlow.
 * @throws UsageError when there is a RayFlow or no whole backup, ConnectionFailed
 */
export async function restoreBackup(
  nc: NatsConnection,
  folder: string,
  { replicas, onStream = () => {} }: RestoreOptions = {},
): Promise<BackupManifest> {
  const { streams, ...rest } = await readManifest(folder);
  for (const stream of streams) await verify(folder, stream);
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const [inTheWay] = await streamsThere(jsm, [...ALL, STREAMS.nodes]);
  if (inTheWay !== undefined) {
    throw new RayflowError("UsageError", `the stream ${inTheWay} is there: restore into an account without RayFlow`);
  }
  // The log last: it stands for the whole.
  const inOrder = [...streams].sort((a, b) => Number(a.name === STREAMS.log) - Number(b.name === STREAMS.log));
  for (const stream of inOrder) {
    const config = replicas === undefined ? stream.config : { ...stream.config, num_replicas: replicas };
    const parts = createReadStream(path.join(folder, stream.file), { highWaterMark: PART_BYTES });
    await writeSnapshot(nc, stream.name, { config, state: stream.state }, parts);
    onStream(stream);
  }
  await ensureTopology(nc, replicas === undefined ? {} : { replicas });
  return { ...rest, streams };
}

/** What a folder holds. @throws UsageError */
export async function readManifest(folder: string): Promise<BackupManifest> {
  const text = await readFile(path.join(folder, MANIFEST), "utf8").catch(() => undefined);
  const parsed = text === undefined ? undefined : manifest.safeParse(JSON.parse(text));
  if (!parsed?.success) throw new RayflowError("UsageError", `${folder} holds no whole backup`);
  return parsed.data;
}

async function verify(folder: string, { file, sha256 }: StreamBackup): Promise<void> {
  const hash = createHash("sha256");
  try {
    for await (const part of createReadStream(path.join(folder, file))) hash.update(part);
  } catch (cause) {
    throw new RayflowError("UsageError", `the backup's file ${file} cannot be read`, { cause });
  }
  if (hash.digest("hex") !== sha256) throw new RayflowError("UsageError", `the backup's file ${file} is damaged`);
}

async function exists(file: string): Promise<boolean> {
  return open(file).then(
    async (handle) => {
      await handle.close();
      return true;
    },
    () => false,
  );
}
