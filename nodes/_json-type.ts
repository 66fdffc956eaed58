/** What flow authors call the type of a JSON value. */
export function jsonType(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "list";
  const names: Record<string, string> = { number: "number", string: "str", boolean: "bool", object: "dict" };
  return names[typeof value] ?? typeof value;
}
