/**
 * What makes the orchestrator's own messages fit: a submission, an entry for an actor. Each part may be small enough
 * while all together are not; the largest values then go to the object store, and references travel.
 */
import { type BlobReference, isBlobReference, RayflowError, runOfBlob } from "../flow/index.ts";
import { type DispatchEntry, encodeMessage, type SubmittedMessage, toStored } from "../nats/index.ts";
import { type BlobStore, bytesBehind, offloadValues, surelyWithin } from "../store/index.ts";
import { outputsReadByMachine } from "./run/inline-outputs.ts";

/** Below this nobody asks how large the inputs are exactly. */
const SURELY_SMALL_BYTES = 32 * 1024;
/** Results that are taken over go above this, when there is no room for all of them. */
const SMALL_RESULT_BYTES = 16 * 1024;

type Stored = Pick<BlobStore, "put" | "read">;

/**
 * The message with references in place of large inputs, and with copies of what it takes over from another run: that
 * run's values go with that run. Inputs that the run machine reads itself stay as they are while there is room.
 * @throws PayloadTooLarge, DataNotAvailable, ConnectionFailed
 */
export async function offloadSubmission(
  blobs: BlobStore,
  message: SubmittedMessage,
  limitBytes: number,
): Promise<SubmittedMessage> {
  const { reuse } = message;
  if (!reuse && surelyWithin(message.inputs, SURELY_SMALL_BYTES)) return message;
  const run = message.parent?.root ?? message.run;
  const kinds = new Map(message.types.map(({ type, kind }) => [type, kind]));
  const types = new Map(message.flow.nodes.map(({ id, type }) => [id, kinds.get(type)]));
  const read = outputsReadByMachine(message.flow, (node) => types.get(node));

  let { inputs } = message;
  let results = reuse?.results ?? {};
  if (reuse) {
    const from = [reuse.run];
    inputs = { ...(await adoptValues(blobs, inputs, from, run)) };
    results = await adoptValues(blobs, results, from, run);
    const without = { ...message, inputs, reuse: { ...reuse, results } };
    if (encodeMessage(toStored(without)).length > limitBytes) {
      const smaller = Object.entries(results).map(async ([node, { pins, outputs }]) => {
        const options = { run, what: `output of ${node}:`, inlineBytes: SMALL_RESULT_BYTES, keep: read.get(node) };
        return [node, { pins, outputs: { ...(await offloadValues(blobs, outputs, options)) } }] as const;
      });
      results = Object.fromEntries(await Promise.all(smaller));
    }
  }
  const rest: SubmittedMessage = { ...message, inputs: {}, ...(reuse ? { reuse: { ...reuse, results } } : {}) };
  const start = message.flow.nodes.find(({ id }) => types.get(id) === "start");
  const roomBytes = limitBytes - encodeMessage(toStored(rest)).length;
  const keep = start && read.get(start.id);
  return { ...rest, inputs: { ...(await offloadValues(blobs, inputs, { run, what: "input", roomBytes, keep })) } };
}

/** The entry with references in place of its largest inputs, so that it fits. @throws PayloadTooLarge, ConnectionFailed */
export async function offloadEntry(blobs: BlobStore, entry: DispatchEntry, limitBytes: number): Promise<DispatchEntry> {
  const roomBytes = limitBytes - encodeMessage({ ...entry, inputs: {} }).length;
  const run = entry.blob_run ?? entry.run;
  const inputs = await offloadValues(blobs, entry.inputs, { run, what: `input of ${entry.node}:`, roomBytes });
  const small: DispatchEntry = { ...entry, inputs: { ...inputs } };
  const bytes = encodeMessage(small).length;
  if (bytes <= limitBytes) return small;
  throw new RayflowError("PayloadTooLarge", `${entry.node} takes ${bytes} bytes; a message holds ${limitBytes}`);
}

/** The value with its references to blobs of these runs turned into references to copies under another run. */
export async function adoptValues<T>(blobs: Stored, value: T, from: readonly string[], to: string): Promise<T> {
  if (bytesBehind(value, from) === 0) return value;
  return (await adopt(blobs, value, from, to)) as T;
}

async function adopt(blobs: Stored, value: unknown, from: readonly string[], to: string): Promise<unknown> {
  if (typeof value !== "object" || value === null) return value;
  if (isBlobReference(value) && from.includes(runOfBlob(value))) return copy(blobs, value, from, to);
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (const item of value) items.push(await adopt(blobs, item, from, to));
    return items;
  }
  const entries: [string, unknown][] = [];
  for (const [key, item] of Object.entries(value)) entries.push([key, await adopt(blobs, item, from, to)]);
  return Object.fromEntries(entries);
}

async function copy(blobs: Stored, reference: BlobReference, from: readonly string[], to: string) {
  const { type, id } = reference.$blob;
  let json: Uint8Array = await blobs.read(reference);
  if (Buffer.from(json).includes('"$blob"')) {
    const held: unknown = JSON.parse(Buffer.from(json).toString("utf8"));
    if (bytesBehind(held, from) > 0) json = encodeMessage(await adopt(blobs, held, from, to));
  }
  return blobs.put(to, json, { type, description: `copy of ${id}` });
}
