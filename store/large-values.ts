/**
 * Large values on their way: what is too large for a message goes into the object store, and a reference travels in its
 * place; who needs the value gets it back. Actors, the intake and the run client all use these.
 *
 * L1. A reference is honoured only when it lies under one of the runs that the reader names. Any other one is what
 *     somebody wrote down: plain data, handed on as it is.
 * L2. What is offloaded was fit to travel, by the same check as what stays inline.
 */
import {
  type BlobReference,
  blobTypeOf,
  isBlobReference,
  MAX_VALUE_DEPTH,
  RayflowError,
  runOfBlob,
} from "../flow/index.ts";
import { findUnsafe } from "../nats/index.ts";
import type { BlobStore } from "./blob-store.ts";

type Values = Readonly<Record<string, unknown>>;

/** Values above this go to the object store, bytes of JSON. */
export const DEFAULT_INLINE_BYTES = 256 * 1024;
/** Largest value, bytes of JSON. */
export const DEFAULT_MAX_VALUE_BYTES = 100 * 1024 * 1024;
/** Most that the references of one reader may bring in together, bytes of JSON. */
export const DEFAULT_MAX_RESOLVED_BYTES = 256 * 1024 * 1024;
/** A reference takes about 250 bytes: what is not much larger stays. */
const SMALLEST_BLOB_BYTES = 1024;
/** How deep blobs may refer to blobs: a list of references can itself become too large. */
const MAX_BLOB_NESTING = 4;
const READS_AT_ONCE = 8;

export interface OffloadOptions {
  /** The run under whose prefix the values go. */
  readonly run: string;
  /** For people who list the object store: "output of fetch". The name of the value is put behind it. */
  readonly what: string;
  /** Above this a value goes to the object store. Default 256 KiB. */
  readonly inlineBytes?: number | undefined;
  /** What all that stays inline may take, bytes: the largest go until it fits. Default: no limit. */
  readonly roomBytes?: number | undefined;
  /** Names that stay inline whatever their size, while there is room. */
  readonly keep?: readonly string[] | undefined;
  /** Default 100 MiB. */
  readonly maxValueBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The values, with references in place of the large ones; the same object when none is large.
 * @throws PayloadTooLarge, ValidationError, ConnectionFailed
 */
export async function offloadValues(store: BlobStore, values: Values, options: OffloadOptions): Promise<Values> {
  const { run, what, signal, roomBytes = Number.POSITIVE_INFINITY } = options;
  const inlineBytes = options.inlineBytes ?? DEFAULT_INLINE_BYTES;
  if (surelyWithin(values, Math.min(inlineBytes, roomBytes))) return values;
  const keep = new Set(options.keep);
  const sized = Object.entries(values).map(([name, value]) => {
    const json = Buffer.from(stringify(value, `${what} ${name}`));
    return { name, value, json, bytes: json.length + Buffer.byteLength(JSON.stringify(name)) + 2 };
  });
  // The large ones first, those to be kept last of all.
  sized.sort((a, b) => Number(keep.has(a.name)) - Number(keep.has(b.name)) || b.bytes - a.bytes);
  let room = roomBytes - sized.reduce((sum, { bytes }) => sum + bytes, 2);
  const replaced = new Map<string, BlobReference>();
  for (const { name, value, json, bytes } of sized) {
    const wanted = room < 0 || (json.length > inlineBytes && !keep.has(name));
    if (!wanted || json.length < SMALLEST_BLOB_BYTES) continue;
    checkValue(value, json.length, `${what} ${name}`, options.maxValueBytes ?? DEFAULT_MAX_VALUE_BYTES);
    const reference = await store.put(run, json, { type: blobTypeOf(value), description: `${what} ${name}`, signal });
    replaced.set(name, reference);
    room += bytes - JSON.stringify(reference).length - name.length - 4;
  }
  if (replaced.size === 0) return values;
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, replaced.get(name) ?? value]));
}

export interface ResolveOptions {
  /** References to blobs of these runs are honoured. */
  readonly runs: readonly string[];
  /** What they may bring in together, bytes of JSON. Default 256 MiB. */
  readonly maxBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The value with what its references stand for, at any depth; the same object when it holds none.
 * @throws PayloadTooLarge, DataNotAvailable, ConnectionFailed
 */
export async function resolveValues<T>(store: BlobStore, value: T, options: ResolveOptions): Promise<T> {
  return (await resolve(store, value, options, { bytes: options.maxBytes ?? DEFAULT_MAX_RESOLVED_BYTES }, 0)) as T;
}

/** The bytes of JSON that `resolveValues` would bring in, blobs inside blobs left out. */
export function bytesBehind(value: unknown, runs: readonly string[]): number {
  return findReferences(value, runs).reduce((sum, { $blob }) => sum + $blob.size, 0);
}

/** Whether the JSON of these values surely takes no more bytes than this; stops looking as soon as it may not. */
export function surelyWithin(value: unknown, bytes: number): boolean {
  return spend(value, bytes, 0) >= 0;
}

async function resolve(
  store: BlobStore,
  value: unknown,
  options: ResolveOptions,
  left: { bytes: number },
  nesting: number,
): Promise<unknown> {
  const references = findReferences(value, options.runs);
  if (references.length === 0) return value;
  if (nesting === MAX_BLOB_NESTING) throw new RayflowError("DataNotAvailable", "blobs refer to blobs too deeply");
  for (const { $blob } of references) left.bytes -= $blob.size;
  if (left.bytes < 0) {
    const message = `the values behind ${references.length} references take more than the ${options.maxBytes ?? DEFAULT_MAX_RESOLVED_BYTES} bytes that one reader may take in`;
    throw new RayflowError("PayloadTooLarge", message);
  }
  // One for each place, also where the same object stands in two: node code may change what it is given.
  const found = new Map<BlobReference, unknown[]>(references.map((reference) => [reference, []]));
  const queue = [...references];
  const reader = async (): Promise<void> => {
    for (let next = queue.pop(); next; next = queue.pop()) {
      const bytes = Buffer.from(await store.read(next, options.signal));
      const parsed: unknown = JSON.parse(bytes.toString("utf8"));
      const nested = bytes.includes('"$blob"');
      found.get(next)?.push(nested ? await resolve(store, parsed, options, left, nesting + 1) : parsed);
    }
  };
  await Promise.all(Array.from({ length: Math.min(READS_AT_ONCE, queue.length) }, reader));
  return replaceReferences(value, found);
}

function findReferences(value: unknown, runs: readonly string[]): BlobReference[] {
  const found: BlobReference[] = [];
  const look = (at: unknown, depth: number): void => {
    if (typeof at !== "object" || at === null || depth > MAX_VALUE_DEPTH) return;
    if (Array.isArray(at)) for (const item of at) look(item, depth + 1);
    else if (isBlobReference(at) && runs.includes(runOfBlob(at))) found.push(at);
    else for (const key of Object.keys(at)) look((at as Record<string, unknown>)[key], depth + 1);
  };
  look(value, 0);
  return found;
}

/** Copies what leads to a reference; the rest is shared. */
function replaceReferences(value: unknown, found: ReadonlyMap<BlobReference, unknown[]>): unknown {
  if (typeof value !== "object" || value === null) return value;
  const copies = found.get(value as BlobReference);
  if (copies) return copies.pop();
  if (Array.isArray(value)) {
    const items = value.map((item) => replaceReferences(item, found));
    return items.some((item, at) => item !== value[at]) ? items : value;
  }
  const entries = Object.entries(value);
  const replaced = entries.map(([key, item]) => [key, replaceReferences(item, found)] as const);
  return replaced.some(([, item], at) => item !== entries[at]?.[1]) ? Object.fromEntries(replaced) : value;
}

function stringify(value: unknown, what: string): string {
  try {
    return JSON.stringify(value) ?? "null";
  } catch (cause) {
    // Longer than a string can be.
    if (cause instanceof RangeError) throw new RayflowError("PayloadTooLarge", `the ${what} is too large`, { cause });
    throw new RayflowError("ValidationError", `the ${what} cannot be written as JSON`, { cause });
  }
}

function checkValue(value: unknown, bytes: number, what: string, maxBytes: number): void {
  if (bytes > maxBytes) {
    throw new RayflowError("PayloadTooLarge", `the ${what} takes ${bytes} bytes; one value may take ${maxBytes}`, {
      details: { bytes, max_bytes: maxBytes },
    });
  }
  const unsafe = findUnsafe(value);
  if (unsafe !== undefined) throw new RayflowError("ValidationError", `the ${what} cannot be sent: ${unsafe}`);
}

/** What is left of `bytes` after a value, counted generously; negative: perhaps not enough. */
function spend(value: unknown, bytes: number, depth: number): number {
  switch (typeof value) {
    case "string":
      return bytes - 6 * value.length - 3;
    case "object": {
      if (value === null) return bytes - 5;
      if (depth > MAX_VALUE_DEPTH) return -1;
      let left = bytes - 3;
      for (const key in value) {
        if (left < 0) return left;
        left = spend((value as Record<string, unknown>)[key], left - 6 * key.length - 4, depth + 1);
      }
      return left;
    }
    default:
      return bytes - 26;
  }
}
