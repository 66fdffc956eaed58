/**
 * The reference that travels in the place of a large value: `{"$blob": {id, size, sha256, type}}`. The value's JSON lies
 * in the object store under `id`. The run machine passes references along and never looks behind them.
 */
import { z } from "zod";
import type { PinType } from "./pin-type.ts";

/** `run/<run>/<sha256 of the JSON>`: the run's own prefix, so that it goes with the run. */
const ID_PATTERN = /^run\/([A-Za-z0-9_-]{1,128})\/([0-9a-f]{64})$/;

export const blobType = z.enum(["str", "list", "dict", "int", "float", "bool", "null"]);
export type BlobType = z.infer<typeof blobType>;

export const blobReference = z.strictObject({
  $blob: z.strictObject({
    id: z.string().regex(ID_PATTERN),
    /** Of the value's JSON, bytes. */
    size: z.number().int().nonnegative(),
    /** Of the value's JSON, hex. */
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    type: blobType,
  }),
});
export type BlobReference = z.infer<typeof blobReference>;

/** The id of a value's blob. */
export function blobId(run: string, sha256: string): string {
  return `run/${run}/${sha256}`;
}

/**
 * Whether a value has the form of a reference. Anybody can write one down: it is honoured only when `runOfBlob` is the
 * run that reads it, or the one that this run's blobs lie under.
 */
export function isBlobReference(value: unknown): value is BlobReference {
  // Nearly every value fails here, before a schema has to look at it.
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, "$blob")) return false;
  const parsed = blobReference.safeParse(value);
  return parsed.success && parsed.data.$blob.id.endsWith(`/${parsed.data.$blob.sha256}`);
}

/** The run under whose prefix the value lies. */
export function runOfBlob(reference: BlobReference): string {
  return ID_PATTERN.exec(reference.$blob.id)?.[1] ?? "";
}

/** What a JSON value is, for a reference to it. */
export function blobTypeOf(value: unknown): BlobType {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  switch (typeof value) {
    case "string":
      return "str";
    case "boolean":
      return "bool";
    case "number":
      return Number.isInteger(value) ? "int" : "float";
    default:
      return "dict";
  }
}

/** Whether what lies behind a reference can be of this type, as far as the reference tells: not what a list holds. */
export function referenceFits(reference: BlobReference, type: PinType): boolean {
  const { type: held } = reference.$blob;
  return type.type === "any" || held === type.type || (held === "int" && type.type === "float");
}

/** Why the run machine cannot use this value itself, and what the flow's author can do. */
export function describeUnreadable(reference: BlobReference, what: string): string {
  const { size, type } = reference.$blob;
  return (
    `${what} is a ${type} of ${Math.ceil(size / 1024)} KiB: it travels through the object store, and only a node's code ` +
    "can read it there. Let a node make it smaller (take a part of it, or work on it whole) before it comes here"
  );
}
