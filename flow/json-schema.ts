/**
 * Checks a config against its JSON Schema: the part of draft-07 that node types use. Keywords it does not know say
 * nothing. An actor in any language may have written the schema, so it is read as warily as the value.
 */
import { describeValue, isObject, type JsonObject, own } from "./json-value.ts";

export interface SchemaProblem {
  /** From the value's root: `cases[2].name`; empty for the root. */
  readonly path: string;
  readonly message: string;
}

export interface SchemaResult {
  readonly problems: SchemaProblem[];
  /** Keys that the schema neither names nor forbids. */
  readonly unknownKeys: { readonly path: string; readonly known: readonly string[] }[];
}

const MAX_SCHEMA_DEPTH = 64;

export function checkSchema(value: unknown, schema: unknown): SchemaResult {
  const result: SchemaResult = { problems: [], unknownKeys: [] };
  check(value, schema, "", result, 0);
  return result;
}

function check(value: unknown, schema: unknown, path: string, result: SchemaResult, depth: number): void {
  const problem = (message: string) => result.problems.push({ path, message });
  if (schema === false) problem("is not allowed here");
  if (!isObject(schema) || depth > MAX_SCHEMA_DEPTH) return;
  const expected = own(schema, "type");
  const types = (Array.isArray(expected) ? expected : [expected]).filter((type) => typeof type === "string");
  if (types.length > 0 && !types.some((type) => isOfType(value, type))) {
    problem(`must be ${types.join(" or ")}, not ${describeValue(value)}`);
    return;
  }
  const allowed = own(schema, "enum");
  if (Array.isArray(allowed) && !allowed.some((one) => sameJson(one, value))) {
    problem(`must be one of ${allowed.map(describeValue).join(", ")}, not ${describeValue(value)}`);
  }
  if (Object.hasOwn(schema, "const") && !sameJson(schema.const, value)) {
    problem(`must be ${describeValue(schema.const)}, not ${describeValue(value)}`);
  }
  if (typeof value === "number") checkNumber(value, schema, problem);
  if (typeof value === "string") checkText(value, schema, problem);
  if (Array.isArray(value)) checkList(value, schema, path, result, depth);
  if (isObject(value)) checkObject(value, schema, path, result, depth);
  checkCombined(value, schema, path, result, depth);
}

function isOfType(value: unknown, type: unknown): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return isObject(value);
    case "integer":
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

function checkNumber(value: number, schema: JsonObject, problem: (message: string) => void): void {
  const bounds: [string, (bound: number) => boolean, string][] = [
    ["minimum", (bound) => value >= bound, "at least"],
    ["maximum", (bound) => value <= bound, "at most"],
    ["exclusiveMinimum", (bound) => value > bound, "more than"],
    ["exclusiveMaximum", (bound) => value < bound, "less than"],
  ];
  for (const [keyword, holds, words] of bounds) {
    const bound = own(schema, keyword);
    if (typeof bound === "number" && !holds(bound)) problem(`must be ${words} ${bound}, not ${value}`);
  }
}

function checkText(value: string, schema: JsonObject, problem: (message: string) => void): void {
  const shortest = own(schema, "minLength");
  const longest = own(schema, "maxLength");
  if (typeof shortest === "number" && value.length < shortest) problem(`must have at least ${shortest} characters`);
  if (typeof longest === "number" && value.length > longest) problem(`must have at most ${longest} characters`);
  const pattern = own(schema, "pattern");
  if (typeof pattern === "string" && compile(pattern)?.test(value) === false) {
    problem(`must match ${pattern}, not be ${describeValue(value)}`);
  }
}

function compile(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern, "u");
  } catch {
    return undefined;
  }
}

function checkList(list: readonly unknown[], schema: JsonObject, path: string, result: SchemaResult, depth: number) {
  const fewest = own(schema, "minItems");
  const most = own(schema, "maxItems");
  if (typeof fewest === "number" && list.length < fewest) {
    result.problems.push({ path, message: `must have at least ${fewest} entries, not ${list.length}` });
  }
  if (typeof most === "number" && list.length > most) {
    result.problems.push({ path, message: `must have at most ${most} entries, not ${list.length}` });
  }
  const items = own(schema, "items");
  if (!isObject(items)) return;
  for (const [i, item] of list.entries()) check(item, items, `${path}[${i}]`, result, depth + 1);
}

function checkObject(object: JsonObject, schema: JsonObject, path: string, result: SchemaResult, depth: number) {
  const declared = own(schema, "properties");
  const properties = isObject(declared) ? declared : {};
  const required = own(schema, "required");
  for (const key of Array.isArray(required) ? required : []) {
    if (typeof key === "string" && !Object.hasOwn(object, key)) {
      result.problems.push({ path: join(path, key), message: "is required" });
    }
  }
  const additional = own(schema, "additionalProperties");
  const known = Object.keys(properties);
  for (const key of Object.keys(object)) {
    const at = join(path, key);
    if (Object.hasOwn(properties, key)) {
      check(object[key], properties[key], at, result, depth + 1);
    } else if (additional !== undefined) {
      check(object[key], additional, at, result, depth + 1);
    } else if (isObject(declared)) {
      result.unknownKeys.push({ path: at, known });
    }
  }
}

function checkCombined(value: unknown, schema: JsonObject, path: string, result: SchemaResult, depth: number): void {
  const all = own(schema, "allOf");
  for (const part of Array.isArray(all) ? all : []) check(value, part, path, result, depth + 1);
  for (const keyword of ["anyOf", "oneOf"]) {
    const parts = own(schema, keyword);
    if (!Array.isArray(parts) || parts.length === 0) continue;
    const tries = parts.map((part) => {
      const attempt: SchemaResult = { problems: [], unknownKeys: [] };
      check(value, part, path, attempt, depth + 1);
      return attempt;
    });
    const fitting = tries.filter((attempt) => attempt.problems.length === 0);
    if (fitting.length === 0) {
      const reasons = [...new Set(tries.flatMap((attempt) => attempt.problems.slice(0, 1).map((one) => one.message)))];
      result.problems.push({ path, message: reasons.join(", or ") });
    } else if (keyword === "oneOf" && fitting.length > 1) {
      result.problems.push({ path, message: `fits ${fitting.length} of the alternatives, it must fit exactly one` });
    }
  }
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

/** Equality of JSON, keys in any order. */
function sameJson(a: unknown, b: unknown): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameJson(item, b[i]));
  if (!isObject(a) || !isObject(b)) return a === b;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
  );
}
