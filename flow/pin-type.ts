/**
 * The types that pins carry: `int float str bool dict list any`, `list[T]` and `dict[str,T]` (DESIGN §3).
 * They are JSON types; `int` is a float without a fraction, `any` is whatever JSON carries.
 */

/** A parsed pin type. `list` is `list[any]`, `dict` is `dict[str,any]`. */
export type PinType =
  | { readonly type: "int" | "float" | "str" | "bool" | "any" }
  | { readonly type: "list"; readonly item: PinType }
  | { readonly type: "dict"; readonly value: PinType };

const ANY: PinType = { type: "any" };
const SCALARS = new Set(["int", "float", "str", "bool", "any"]);
const MAX_DEPTH = 16;

/** Parses the written form of a type; undefined when it is none. */
export function parsePinType(text: string, depth = 0): PinType | undefined {
  const written = text.trim();
  if (depth > MAX_DEPTH) return undefined;
  if (SCALARS.has(written)) return { type: written as "any" };
  if (written === "list") return { type: "list", item: ANY };
  if (written === "dict") return { type: "dict", value: ANY };
  const list = /^list\[(.+)\]$/.exec(written)?.[1];
  if (list !== undefined) {
    const item = parsePinType(list, depth + 1);
    return item && { type: "list", item };
  }
  const dict = /^dict\[\s*str\s*,(.+)\]$/.exec(written)?.[1];
  if (dict !== undefined) {
    const value = parsePinType(dict, depth + 1);
    return value && { type: "dict", value };
  }
  return undefined;
}

/** The written form: the shortest text that parses to this type. */
export function formatPinType(type: PinType): string {
  if (type.type === "list") return type.item.type === "any" ? "list" : `list[${formatPinType(type.item)}]`;
  if (type.type === "dict") return type.value.type === "any" ? "dict" : `dict[str,${formatPinType(type.value)}]`;
  return type.type;
}

/** Whether a wire may go from an output of type `source` to an input of type `target`. */
export function fits(source: PinType, target: PinType): boolean {
  if (source.type === "any" || target.type === "any") return true;
  if (source.type === "list" && target.type === "list") return fits(source.item, target.item);
  if (source.type === "dict" && target.type === "dict") return fits(source.value, target.value);
  return source.type === target.type || (source.type === "int" && target.type === "float");
}

/** Whether a JSON value is of this type. */
export function valueFits(value: unknown, type: PinType): boolean {
  switch (type.type) {
    case "any":
      return true;
    case "int":
      return Number.isInteger(value);
    case "float":
      return Number.isFinite(value);
    case "str":
      return typeof value === "string";
    case "bool":
      return typeof value === "boolean";
    case "list":
      return Array.isArray(value) && (type.item.type === "any" || value.every((item) => valueFits(item, type.item)));
    case "dict":
      return (
        typeof value === "object" &&
        value !== null &&
        !Array.isArray(value) &&
        (type.value.type === "any" || Object.values(value).every((item) => valueFits(item, type.value)))
      );
  }
}
