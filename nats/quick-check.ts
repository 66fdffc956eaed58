/**
 * Says of the messages of the hot path, without making a copy, that their schemas would take them as they are. What it
 * is not sure of is left to zod, which also says why: so it may refuse too much, and never too little.
 */
import type { z } from "zod";
import {
  type dispatchMessage,
  type EndsMessage,
  type SentResultMessage,
  type StoredRunMessage,
  WIRE_VERSION,
} from "./messages.ts";

type Json = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;
type Fields = Readonly<Record<string, { readonly is: Check; readonly required: boolean }>>;

const MAX_ITEMS = 256;

const isString: Check = (value) => typeof value === "string";
const isNumber: Check = (value) => typeof value === "number" && Number.isFinite(value);
const isObject: Check = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isPositive: Check = (value) => isNumber(value) && (value as number) > 0;
const isStrings: Check = (value) => Array.isArray(value) && value.every(isString);
const required = (is: Check) => ({ is, required: true });
const optional = (is: Check) => ({ is, required: false });

const RESULT: Fields = {
  id: required(isString),
  run: required(isString),
  // A failure is rare, and its error is a schema of its own.
  status: required((value) => value === "ok"),
  outputs: optional(isObject),
  exec: optional(isStrings),
  cached: optional((value) => typeof value === "boolean"),
  started_at: required(isNumber),
  duration_ms: required((value) => isNumber(value) && (value as number) >= 0),
  actor: required(isString),
  token: optional(isString),
};

const ENTRY: Fields = {
  kind: optional((value) => value === "exec" || value === "data"),
  id: required(isString),
  run: required(isString),
  flow: required(isString),
  partition: required(isCount),
  node: required(isString),
  scope: optional(isString),
  attempt: optional((value) => isCount(value) && (value as number) >= 1),
  inputs: required(isObject),
  config: optional(isObject),
  timeout_ms: optional(isPositive),
  heartbeat_ms: optional(isPositive),
  deadline: optional(isNumber),
  idempotency_key: optional(isString),
  inline: optional(isStrings),
  blob_run: optional(isString),
  lost: optional(isCount),
  secrets: optional(isStrings),
  token: optional(isString),
  traceparent: optional(isString),
  tracestate: optional(isString),
};

const isText: Check = (value) => value === null || typeof value === "string";
const isNone: Check = (value) => value === null;
const isEmptyList: Check = (value) => Array.isArray(value) && value.length === 0;
const isEmpty: Check = (value) => isObject(value) && Object.keys(value as Json).length === 0;

/** Of a run that was started by a flow's name and nothing special. */
const SUBMITTED: Fields = {
  limits: optional((value) => isObject(value) && Object.values(value as Json).every(isCount)),
  v: required((value) => value === WIRE_VERSION),
  kind: required((value) => value === "submitted_ref"),
  run: required(isString),
  inputs: required(isObject),
  options: required(isEmpty),
  reply: optional(isString),
  traceparent: optional(isString),
  tracestate: optional(isString),
  blueprint: required(isString),
};

const STATISTICS: Fields = {
  total_time: required(isNumber),
  nodes_executed: required(isCount),
  nodes_failed: required(isCount),
  nodes_skipped: required(isCount),
  node_times: required((value) => isObject(value) && Object.values(value as Json).every(isNumber)),
  errors: required(isEmptyList),
};

/** Of a run that succeeded. */
const RUN_RESULT: Fields = {
  run_id: required(isString),
  success: required((value) => value === true),
  status: required((value) => value === "succeeded"),
  return: required(isText),
  status_code: required(isCount),
  result: required(isObject),
  error: required(isNone),
  statistics: required((value) => fits(value, STATISTICS)),
};

const FINISHED: Fields = {
  v: required((value) => value === WIRE_VERSION),
  kind: required((value) => value === "finished"),
  run: required(isString),
  result: required((value) => fits(value, RUN_RESULT)),
};

const ENDS: Fields = {
  v: required((value) => value === WIRE_VERSION),
  results: required(
    (value) =>
      Array.isArray(value) &&
      value.length > 0 &&
      value.length <= MAX_ITEMS &&
      value.every((item) => fits(item, RUN_RESULT)),
  ),
};

const requiredCounts = new Map<Fields, number>();
for (const fields of [RESULT, ENTRY, SUBMITTED, FINISHED, ENDS, RUN_RESULT, STATISTICS]) {
  requiredCounts.set(fields, Object.values(fields).filter((field) => field.required).length);
}

/** For `decodeMessage`: the message itself, when it is plain. */
export function readResult(json: unknown): SentResultMessage | undefined {
  return isPlainResultMessage(json) ? json : undefined;
}

/** For `decodeMessage`: the message itself, when it is plain. */
export function readRunMessage(json: unknown): StoredRunMessage | undefined {
  return isPlainRunMessage(json) ? json : undefined;
}

/** For `decodeMessage`: the message itself, when all its runs succeeded. */
export function readEnds(json: unknown): EndsMessage | undefined {
  return fits(json, ENDS) ? (json as EndsMessage) : undefined;
}

/** Whether it is a run's plain beginning or its success. */
export function isPlainRunMessage(json: unknown): json is StoredRunMessage {
  const { kind } = (json ?? {}) as { kind?: unknown };
  if (kind === "submitted_ref") return fits(json, SUBMITTED);
  return kind === "finished" && fits(json, FINISHED);
}

/** Whether it is a result message of successes alone. */
export function isPlainResultMessage(json: unknown): json is SentResultMessage {
  return isList(json, "results", (item) => fits(item, RESULT));
}

/** Whether it is a dispatch message, as it is written, of entries without a cache. */
export function isPlainDispatchMessage(json: unknown): json is z.input<typeof dispatchMessage> {
  return isList(json, "entries", (item) => fits(item, ENTRY));
}

function isList(json: unknown, name: string, isItem: Check): boolean {
  if (!isObject(json)) return false;
  const { v, type, [name]: items } = json as Json;
  if (v !== WIRE_VERSION || typeof type !== "string" || !Array.isArray(items)) return false;
  if (items.length === 0 || items.length > MAX_ITEMS || Object.keys(json as Json).length !== 3) return false;
  for (const item of items) if (!isItem(item)) return false;
  return true;
}

function fits(value: unknown, fields: Fields): boolean {
  if (!isObject(value)) return false;
  let found = 0;
  for (const key in value as Json) {
    if (!Object.hasOwn(fields, key)) return false;
    const field = fields[key];
    if (!field?.is((value as Json)[key])) return false;
    if (field.required) found++;
  }
  return found === requiredCounts.get(fields);
}
