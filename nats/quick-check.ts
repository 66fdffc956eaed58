/**
 * Says of the messages of the hot path, without making a copy, that their schemas would take them as they are. What it
 * is not sure of is left to zod, which also says why: so it may refuse too much, and never too little.
 */
import { type DispatchMessage, type ResultMessage, WIRE_VERSION } from "./messages.ts";

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
};

const ENTRY: Fields = {
  kind: required((value) => value === "exec" || value === "data"),
  id: required(isString),
  run: required(isString),
  flow: required(isString),
  partition: required(isCount),
  node: required(isString),
  scope: required(isString),
  attempt: required((value) => isCount(value) && (value as number) >= 1),
  inputs: required(isObject),
  config: required(isObject),
  timeout_ms: required(isPositive),
  heartbeat_ms: optional(isPositive),
  deadline: optional(isNumber),
  idempotency_key: required(isString),
  inline: optional(isStrings),
  blob_run: optional(isString),
  lost: optional(isCount),
  traceparent: optional(isString),
};

const requiredOf = (fields: Fields): number => Object.values(fields).filter((field) => field.required).length;
const RESULT_REQUIRED = requiredOf(RESULT);
const ENTRY_REQUIRED = requiredOf(ENTRY);

/** Whether it is a result message of successes alone. */
export function isPlainResultMessage(json: unknown): json is ResultMessage {
  return isList(json, "results", (item) => fits(item, RESULT, RESULT_REQUIRED));
}

/** Whether it is a dispatch message of entries without a cache. */
export function isPlainDispatchMessage(json: unknown): json is DispatchMessage {
  return isList(json, "entries", (item) => fits(item, ENTRY, ENTRY_REQUIRED));
}

function isList(json: unknown, name: string, isItem: Check): boolean {
  if (!isObject(json)) return false;
  const { v, type, [name]: items } = json as Json;
  if (v !== WIRE_VERSION || typeof type !== "string" || !Array.isArray(items)) return false;
  if (items.length === 0 || items.length > MAX_ITEMS || Object.keys(json as Json).length !== 3) return false;
  for (const item of items) if (!isItem(item)) return false;
  return true;
}

function fits(value: unknown, fields: Fields, wanted: number): boolean {
  if (!isObject(value)) return false;
  let found = 0;
  for (const key in value as Json) {
    if (!Object.hasOwn(fields, key)) return false;
    const field = fields[key];
    if (!field?.is((value as Json)[key])) return false;
    if (field.required) found++;
  }
  return found === wanted;
}
