/** Reads the messages of one subject as one sequence of bytes, some megabytes at a time. */
import { JetStreamApiError, type JetStreamManager, type StoredMsg } from "@nats-io/jetstream";
import { RayflowError } from "../flow/index.ts";

/** Chunks of one request: what lies in the connection's buffers at once. */
const BATCH = 32;
/** A server that sends nothing for so long is asked again. */
const SILENCE_MS = 5_000;

/** Undefined when it is not exactly `size` bytes. @throws ConnectionFailed when the server falls silent */
export async function readChunks(
  jsm: JetStreamManager,
  stream: string,
  subject: string,
  size: number,
): Promise<Uint8Array | undefined> {
  const bytes = Buffer.allocUnsafe(size);
  let filled = 0;
  let seq = 1;
  while (filled < size) {
    const batch = await readBatch(jsm, stream, subject, seq);
    if (batch.length === 0) return undefined;
    for (const message of batch) {
      if (filled + message.data.length > size) return undefined;
      bytes.set(message.data, filled);
      filled += message.data.length;
      seq = message.seq + 1;
    }
  }
  return bytes;
}

function readBatch(jsm: JetStreamManager, stream: string, subject: string, seq: number): Promise<StoredMsg[]> {
  return new Promise((resolve, reject) => {
    const found: StoredMsg[] = [];
    let source: { stop(error?: Error): void } | undefined;
    let timer: NodeJS.Timeout | undefined;
    const end = (error?: Error): void => {
      clearTimeout(timer);
      source?.stop();
      const nothingLeft = error instanceof JetStreamApiError && error.status === 404;
      if (error && !nothingLeft) reject(error);
      else resolve(found);
    };
    const listen = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => end(new RayflowError("ConnectionFailed", `no answer for ${SILENCE_MS} ms`)), SILENCE_MS);
    };
    listen();
    const callback = (done: { err?: Error } | null, message: StoredMsg): void => {
      if (done) return end(done.err);
      found.push(message);
      // A whole batch needs no word of its end.
      if (found.length === BATCH) return end();
      listen();
    };
    jsm.direct.getBatch(stream, { seq, next_by_subj: subject, batch: BATCH, callback }).then((iterator) => {
      source = iterator as typeof source;
    }, end);
  });
}
