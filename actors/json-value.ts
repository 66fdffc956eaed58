/** What may leave a node: JSON, and nothing that would silently become something else on the wire. */
import { MAX_VALUE_DEPTH, RayflowError } from "../flow/index.ts";

/**
 * The value as the wire will carry it: `toJSON` applied, undefined properties left out. Gives back the same object when
 * nothing had to change.
 * @throws ValidationError naming the place of what is not JSON.
 */
export function jsonValue(value: unknown, where: string): unknown {
  return convert(value, [where]);
}

/** `path` is where we are: kept as a list, for its text is only needed when something is wrong. */
function convert(value: unknown, path: (string | number)[]): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") {
    if (Number.isFinite(value)) return value;
    throw notJson(path, `${value} is not a JSON number`);
  }
  if (typeof value !== "object") throw notJson(path, `a value of type ${typeof value} is not JSON`);
  if (path.length > MAX_VALUE_DEPTH) {
    throw notJson(path.slice(0, 4), `circular, or nested deeper than ${MAX_VALUE_DEPTH} levels`);
  }
  if (Array.isArray(value)) return convertList(value, path);
  if ("toJSON" in value && typeof value.toJSON === "function") {
    path.push("toJSON()");
    const json = convert(value.toJSON(), path);
    path.pop();
    return json;
  }
  if (!isPlain(value)) {
    throw notJson(path, `a ${value.constructor?.name || "class instance"} is not JSON; give a plain object`);
  }
  return convertObject(value, path);
}

function convertList(list: readonly unknown[], path: (string | number)[]): unknown {
  let copy: unknown[] | undefined;
  for (let at = 0; at < list.length; at++) {
    path.push(at);
    const json = convert(list[at], path);
    path.pop();
    if (json !== list[at]) {
      copy ??= [...list];
      copy[at] = json;
    }
  }
  return copy ?? list;
}

function convertObject(object: object, path: (string | number)[]): unknown {
  let changed = false;
  const kept: [string, unknown][] = [];
  for (const [key, item] of Object.entries(object)) {
    if (item === undefined) {
      changed = true;
      continue;
    }
    path.push(key);
    const json = convert(item, path);
    path.pop();
    changed ||= json !== item;
    kept.push([key, json]);
  }
  // fromEntries defines properties, so a key called __proto__ stays a key.
  return changed ? Object.fromEntries(kept) : object;
}

/** Also true for plain objects of another realm (a worker, a vm context). */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function notJson(path: readonly (string | number)[], problem: string): RayflowError {
  const [where, ...rest] = path;
  const place = rest.map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`)).join("");
  return new RayflowError("ValidationError", `${where}${place}: ${problem}`);
}
