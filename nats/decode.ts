/** Bytes to messages and back. What comes in may come from anybody: it is refused with a reason, never thrown on. */
import type { z } from "zod";
import { MAX_VALUE_DEPTH, RayflowError } from "../flow/index.ts";

export type Decoded<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false /** For people: at most 500 characters. */; readonly reason: string };

/** A value of full depth still fits inside the envelopes around it. */
const MAX_MESSAGE_DEPTH = MAX_VALUE_DEPTH + 16;
const MAX_REASON_LENGTH = 500;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The message in these bytes, or why they hold none. Never throws. */
export function decodeMessage<S extends z.ZodType>(
  schema: S,
  bytes: Uint8Array,
  /** Reads what it is sure of as the schema would; undefined: it is not. */
  readPlain?: (json: unknown) => z.output<S> | undefined,
): Decoded<z.output<S>> {
  let json: unknown;
  try {
    json = JSON.parse(utf8.decode(bytes));
  } catch (error) {
    return refuse(error instanceof SyntaxError ? `not JSON: ${error.message}` : "not UTF-8");
  }
  const unsafe = findUnsafe(json, MAX_MESSAGE_DEPTH);
  if (unsafe !== undefined) return refuse(unsafe);
  const plain = readPlain?.(json);
  if (plain !== undefined) return { ok: true, value: plain };
  try {
    const parsed = schema.safeParse(json);
    if (parsed.success) return { ok: true, value: parsed.data };
    const issues = parsed.error.issues.slice(0, 3).map((issue) => `${issue.path.join(".") || "it"}: ${issue.message}`);
    const more = parsed.error.issues.length - issues.length;
    return refuse(issues.join("; ") + (more > 0 ? `; and ${more} more` : ""));
  } catch (error) {
    return refuse(`its schema failed on it: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** @throws MalformedMessage when the value is none that JSON can carry */
export function encodeMessage(value: unknown): Uint8Array {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new RayflowError("MalformedMessage", "the value cannot be written as JSON", { cause });
  }
  if (text === undefined) throw new RayflowError("MalformedMessage", "there is no value to write as JSON");
  // Several times as fast as a TextEncoder, which makes an array of its own for each message.
  return Buffer.from(text);
}

/**
 * What makes a parsed JSON value unfit to travel: nested too deeply, or with the key `__proto__`, which would reach a prototype where values are copied.
 * Undefined when it is fit. For those who send a value that `decodeMessage` will refuse: say so at the sender.
 */
export function findUnsafe(value: unknown, maxDepth = MAX_VALUE_DEPTH): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (maxDepth <= 0) return "nested too deeply";
  if (Array.isArray(value)) {
    for (const item of value) {
      const unsafe = findUnsafe(item, maxDepth - 1);
      if (unsafe !== undefined) return unsafe;
    }
    return undefined;
  }
  for (const key of Object.keys(value)) {
    if (key === "__proto__") return `the key ${key} is refused`;
    const unsafe = findUnsafe((value as Record<string, unknown>)[key], maxDepth - 1);
    if (unsafe !== undefined) return unsafe;
  }
  return undefined;
}

function refuse(reason: string): { ok: false; reason: string } {
  return { ok: false, reason: reason.slice(0, MAX_REASON_LENGTH) };
}

export interface Refusals {
  readonly count: number;
  readonly lastSubject: string;
  readonly lastReason: string;
}

/** Why a message was refused, in one word: reasons themselves are for people, and without end. */
export type RefusalKind = "json" | "encoding" | "unsafe" | "reading" | "forged" | "schema";

const KINDS: readonly (readonly [string, RefusalKind])[] = [
  ["not JSON", "json"],
  ["not UTF-8", "encoding"],
  ["nested too deeply", "unsafe"],
  ["the key ", "unsafe"],
  ["reading broke off", "reading"],
  ["a flow cannot be read", "reading"],
  ["a result", "forged"],
];

function kindOf(reason: string): RefusalKind {
  return KINDS.find(([start]) => reason.startsWith(start))?.[1] ?? "schema";
}

/** Most subject families that are told apart; the rest is counted under `other`. */
const MAX_FAMILIES = 32;

/** Counts refused messages by the first two tokens of their subject: `rayflow.result`, `rayflow.run`. */
export class RefusalCounter {
  readonly #families = new Map<string, Refusals>();
  /** By family and kind of reason. */
  readonly #kinds = new Map<string, Map<RefusalKind, number>>();
  /** Called for each one. */
  onRefusal: ((subject: string, reason: string) => void) | undefined;

  add(subject: string, reason: string): void {
    let family = subject.split(".", 2).join(".");
    if (!this.#families.has(family) && this.#families.size >= MAX_FAMILIES) family = "other";
    const count = (this.#families.get(family)?.count ?? 0) + 1;
    const lastReason = reason.slice(0, MAX_REASON_LENGTH);
    this.#families.set(family, { count, lastSubject: subject.slice(0, MAX_REASON_LENGTH), lastReason });
    const kinds = this.#kinds.get(family) ?? new Map<RefusalKind, number>();
    const kind = kindOf(reason);
    this.#kinds.set(family, kinds.set(kind, (kinds.get(kind) ?? 0) + 1));
    this.onRefusal?.(subject, reason);
  }

  /** Family, kind of reason, how many. */
  *byKind(): Generator<readonly [string, RefusalKind, number]> {
    for (const [family, kinds] of this.#kinds) for (const [kind, count] of kinds) yield [family, kind, count];
  }

  get total(): number {
    let total = 0;
    for (const { count } of this.#families.values()) total += count;
    return total;
  }

  snapshot(): Record<string, Refusals> {
    return Object.fromEntries(this.#families);
  }
}
