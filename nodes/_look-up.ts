/** What lies at a path of keys, own properties only; a list takes indexes. Undefined: nothing. */
export function lookUp(from: unknown, path: readonly string[]): { value: unknown } | undefined {
  let value = from;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    if (Array.isArray(value) && !/^\d+$/.test(key)) return undefined;
    value = Reflect.get(value, key);
  }
  return { value };
}
