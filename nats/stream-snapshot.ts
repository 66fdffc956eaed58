/** A stream as bytes and back, by the server's own snapshots: sequences, times, headers and consumers stay as they are. */
import { JetStreamApiError, type JetStreamManager } from "@nats-io/jetstream";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { RayflowError } from "../flow/index.ts";
import { inboxOn } from "./inbox.ts";

/** As the server has them: they go back to a server as they are. */
export interface SnapshotInfo {
  readonly config: Readonly<Record<string, unknown>>;
  readonly state: Readonly<Record<string, unknown>>;
}

const CHUNK_BYTES = 128 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
/** A server that sends nothing for so long has given up. */
const SILENCE_MS = 30_000;
const DONE = 204;

const apiError = z.object({ code: z.number(), err_code: z.number().optional(), description: z.string() });
const record = z.record(z.string(), z.unknown());
const snapshotAnswer = z.object({ error: apiError.optional(), config: record.optional(), state: record.optional() });
const restoreAnswer = z.object({ error: apiError.optional(), deliver_subject: z.string().optional() });

/**
 * Reads a stream, part by part; gives its configuration and state at that moment.
 * @throws ConnectionFailed when the server breaks off, TopologyConflict when it refuses
 */
export async function readSnapshot(
  nc: NatsConnection,
  stream: string,
  onPart: (part: Uint8Array) => Promise<void>,
): Promise<SnapshotInfo> {
  const subject = inboxOn(nc);
  const parts = nc.subscribe(subject);
  try {
    const wanted = { deliver_subject: subject, no_consumers: false, chunk_size: CHUNK_BYTES };
    const answer = await nc.request(`$JS.API.STREAM.SNAPSHOT.${stream}`, JSON.stringify(wanted), {
      timeout: REQUEST_TIMEOUT_MS,
    });
    const { error, config, state } = snapshotAnswer.parse(answer.json());
    if (error) throw refused(stream, error);
    if (config === undefined || state === undefined) throw broken(stream, "it does not say what the stream is like");
    const iterator = parts[Symbol.asyncIterator]();
    for (;;) {
      const part = await next(iterator, stream);
      if (part.data.length === 0) {
        const code = part.headers?.code;
        // A server of before 2.10 says nothing when all is well.
        if (code === undefined || code === 0 || code === DONE) return { config, state };
        throw broken(stream, `${code} ${part.headers?.description}`);
      }
      await onPart(part.data);
      // The server sends a few parts ahead of what is answered.
      part.respond();
    }
  } finally {
    parts.unsubscribe();
  }
}

/** Makes a stream from its parts; one of that name must not be there. @throws ConnectionFailed */
export async function writeSnapshot(
  nc: NatsConnection,
  name: string,
  info: SnapshotInfo,
  parts: AsyncIterable<Uint8Array>,
): Promise<void> {
  const answer = await nc.request(`$JS.API.STREAM.RESTORE.${name}`, JSON.stringify(info), {
    timeout: REQUEST_TIMEOUT_MS,
  });
  const { error, deliver_subject: subject } = restoreAnswer.parse(answer.json());
  if (error) throw refused(name, error);
  if (subject === undefined) throw broken(name, "it names no subject for the parts");
  for await (const part of parts) await send(nc, subject, part, name);
  // Nothing: that was all. The answer is that of a stream that was made.
  await send(nc, subject, new Uint8Array(), name);
}

async function send(nc: NatsConnection, subject: string, part: Uint8Array, stream: string): Promise<void> {
  const answer = await nc.request(subject, part, { timeout: REQUEST_TIMEOUT_MS });
  if (answer.data.length === 0) return;
  const { error } = restoreAnswer.parse(answer.json());
  if (error) throw refused(stream, error);
}

async function next(parts: AsyncIterator<Msg>, stream: string): Promise<Msg> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(broken(stream, `silent for ${SILENCE_MS} ms`)), SILENCE_MS);
  });
  try {
    const { value, done } = await Promise.race([parts.next(), silence]);
    if (done) throw broken(stream, "the connection was closed");
    return value;
  } finally {
    clearTimeout(timer);
  }
}

/** The streams of this account that there are of these. */
export async function streamsThere(jsm: JetStreamManager, names: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    names.map((name) =>
      jsm.streams.info(name).then(
        () => [name],
        (error: unknown) => {
          if (error instanceof JetStreamApiError && error.status === 404) return [];
          throw error;
        },
      ),
    ),
  );
  return found.flat();
}

function refused(stream: string, error: z.infer<typeof apiError>): RayflowError {
  return new RayflowError("TopologyConflict", `the server refuses the stream ${stream}: ${error.description}`);
}

function broken(stream: string, why: string): RayflowError {
  return new RayflowError("ConnectionFailed", `the server broke off with the stream ${stream}: ${why}`);
}
