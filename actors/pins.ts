/** Pins as node authors write them (zod schemas) and as the catalog holds them (DESIGN §3). */
import { z } from "zod";
import { formatPinType, type Pin, type PinType, RayflowError } from "../flow/index.ts";
import type { PinSchemas } from "./node-definition.ts";

/** A whole number. */
export const int = () => z.int();
/** A finite number. */
export const float = () => z.number();
export const str = () => z.string();
export const bool = () => z.boolean();
/** Any JSON value, `null` included. */
export const any = () => z.unknown();

/** A list; of `any` unless an item type is given. */
export function list(): z.ZodArray<z.ZodUnknown>;
export function list<T extends z.ZodType>(item: T): z.ZodArray<T>;
export function list(item: z.ZodType = z.unknown()): z.ZodArray {
  return z.array(item);
}

/** An object with keys of any name; its values are `any` unless a type is given. */
export function dict(): z.ZodRecord<z.ZodString, z.ZodUnknown>;
export function dict<T extends z.ZodType>(value: T): z.ZodRecord<z.ZodString, T>;
export function dict(value: z.ZodType = z.unknown()): z.ZodRecord<z.ZodString, z.ZodType> {
  return z.record(z.string(), value);
}

type Side = "input" | "output";
type Def = z.core.$ZodTypes["_zod"]["def"];

const ANY: PinType = { type: "any" };

/** The pin type that a schema stands for; `any` where there is none. */
export function pinTypeOf(schema: z.core.$ZodType, side: Side): PinType {
  const def = schema._zod.def as Def;
  switch (def.type) {
    case "number":
      return { type: isInt(def) ? "int" : "float" };
    case "string":
    case "template_literal":
      return { type: "str" };
    case "boolean":
      return { type: "bool" };
    case "enum":
      return unite(Object.values(def.entries).map(typeOfValue));
    case "literal":
      return unite(def.values.map(typeOfValue));
    case "array":
      return { type: "list", item: pinTypeOf(def.element, side) };
    case "tuple":
      return { type: "list", item: ANY };
    case "record":
      return { type: "dict", value: pinTypeOf(def.valueType, side) };
    case "object":
      return { type: "dict", value: ANY };
    case "union":
      return unite(def.options.map((option) => pinTypeOf(option, side)));
    case "optional":
    case "default":
    case "prefault":
    case "nonoptional":
    case "readonly":
    case "catch":
      return pinTypeOf(def.innerType, side);
    case "pipe":
      return pinTypeOf(side === "input" ? def.in : def.out, side);
    default:
      return ANY;
  }
}

/** The catalog's entries for a node's pins. */
export function derivePins(schemas: PinSchemas, side: Side): Record<string, Pin> {
  const pins: Record<string, Pin> = {};
  for (const [name, schema] of Object.entries(schemas)) {
    if (!schema?._zod) throw new RayflowError("NodeLoadError", `${side} "${name}" is not a schema of zod 4`);
    const derived: Pin = { type: formatPinType(pinTypeOf(schema, side)) };
    if (side === "input") {
      const fallback = defaultOf(schema);
      if (fallback) derived.default = fallback.value;
      else if (isRequired(schema)) derived.required = true;
    }
    if (schema.description) derived.description = schema.description;
    pins[name] = derived;
  }
  return pins;
}

/** Whether a value must be there: neither optional nor with a default. */
export function isRequired(schema: z.core.$ZodType): boolean {
  return schema._zod.optin === undefined;
}

function defaultOf(schema: z.core.$ZodType): { value: unknown } | undefined {
  const def = schema._zod.def as Def;
  switch (def.type) {
    case "default":
    case "prefault":
      return { value: def.defaultValue };
    case "optional":
    case "nullable":
    case "readonly":
    case "catch":
      return defaultOf(def.innerType);
    default:
      return undefined;
  }
}

function isInt(def: z.core.$ZodNumberDef | z.core.$ZodNumberFormatDef): boolean {
  const formats = [
    "format" in def ? def.format : undefined,
    ...(def.checks ?? []).map((check) => (check._zod.def as { format?: string }).format),
  ];
  return formats.some((format) => format === "safeint" || format === "int32" || format === "uint32");
}

function typeOfValue(value: unknown): PinType {
  if (typeof value === "string") return { type: "str" };
  if (typeof value === "boolean") return { type: "bool" };
  if (typeof value === "number") return { type: Number.isInteger(value) ? "int" : "float" };
  return ANY;
}

/** The type of all of these; int and float together are float. */
function unite(types: readonly PinType[]): PinType {
  const written = new Set(types.map(formatPinType));
  if (written.size === 1) return types[0] ?? ANY;
  if (written.size === 2 && written.has("int") && written.has("float")) return { type: "float" };
  return ANY;
}
