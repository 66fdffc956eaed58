/** Looking into JSON, and leaving things out of it. */

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object's own entries whose keys are not among these; undefined when none are left. */
export function without(object: JsonObject, keys: ReadonlySet<string>): JsonObject | undefined {
  const rest = Object.entries(object).filter(([key]) => !keys.has(key) && key !== "__proto__");
  return rest.length === 0 ? undefined : Object.fromEntries(rest);
}

/** The object with one entry set; with `undefined`, without it. */
export function withEntry(object: JsonObject, key: string, value: unknown): JsonObject {
  if (value !== undefined) return { ...object, [key]: value };
  const { [key]: _, ...rest } = object;
  return rest;
}

/** The objects among these, merged: later ones win. */
export function merged(...values: readonly unknown[]): JsonObject {
  return Object.fromEntries(values.filter(isObject).flatMap((object) => Object.entries(object)));
}

/** Whether two JSON values say the same; the order of keys says nothing. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, at) => sameJson(item, b[at]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
  );
}
