/** Checks on what goes into a node's code and comes out of it, with messages that name the pin. */
import { z } from "zod";
import { formatPinType, RayflowError } from "../flow/index.ts";
import { jsonValue } from "./json-value.ts";
import type { PinSchemas } from "./node-definition.ts";
import { isRequired, pinTypeOf } from "./pins.ts";

type Values = Record<string, unknown>;

/** The checks of one node type; the zod objects are built at their first use, for most types of a process never run. */
export interface IoChecks {
  inputs(values: Values): Values;
  config(values: Values): unknown;
  /** `partial`: only the outputs given are checked, as for `take()`. */
  outputs(returned: unknown, partial: boolean): Values;
}

export function ioChecks(
  type: string,
  schemas: { inputs: PinSchemas; outputs: PinSchemas; config: z.ZodType | undefined },
): IoChecks {
  const inputObject = once(() => z.object(schemas.inputs));
  const outputObject = once(() => z.object(schemas.outputs));
  const partialOutputs = once(() => z.object(schemas.outputs).partial());
  const requiredInputs = requiredOf(schemas.inputs);
  const requiredOutputs = requiredOf(schemas.outputs);

  return {
    inputs(values) {
      // z.unknown() takes an absent key for a value; a required pin of type any must still be there.
      const missing = requiredInputs.filter((name) => values[name] === undefined);
      if (missing.length > 0) {
        throw invalid(`${type}: missing ${plural("input", missing)}`, { missing });
      }
      const parsed = inputObject().safeParse(values);
      if (parsed.success) return parsed.data;
      throw invalid(`${type}: ${describePins("input", schemas.inputs, values, parsed.error)}`, parsed.error.issues);
    },

    config(values) {
      if (!schemas.config) return {};
      const parsed = schemas.config.safeParse(values);
      if (parsed.success) return parsed.data;
      const problems = parsed.error.issues.map((issue) => `config ${pathText(issue.path)}: ${plainMessage(issue)}`);
      throw invalid(`${type}: ${problems.join("; ")}`, parsed.error.issues);
    },

    outputs(returned, partial) {
      if (returned === undefined && (partial || requiredOutputs.length === 0)) return partial ? {} : check({}, false);
      if (returned === undefined) {
        throw invalid(`${type}: run() returned nothing; missing ${plural("output", requiredOutputs)}`, {
          missing: requiredOutputs,
        });
      }
      if (typeof returned !== "object" || returned === null || Array.isArray(returned)) {
        throw invalid(`${type}: run() must return an object of outputs, not ${describeValue(returned)}`);
      }
      return check(returned as Values, partial);
    },
  };

  function check(values: Values, partial: boolean): Values {
    const given = Object.keys(values).filter((name) => values[name] !== undefined);
    const unknown = given.filter((name) => !Object.hasOwn(schemas.outputs, name));
    if (unknown.length > 0) {
      const declared = Object.keys(schemas.outputs).join(", ") || "none";
      throw invalid(`${type}: undeclared ${plural("output", unknown)} (declared: ${declared})`, { unknown });
    }
    const missing = partial ? [] : requiredOutputs.filter((name) => !given.includes(name));
    if (missing.length > 0) throw invalid(`${type}: missing ${plural("output", missing)}`, { missing });
    const json = Object.fromEntries(given.map((name) => [name, jsonValue(values[name], `${type}: output "${name}"`)]));
    const parsed = (partial ? partialOutputs() : outputObject()).safeParse(json);
    if (!parsed.success) {
      throw invalid(`${type}: ${describePins("output", schemas.outputs, json, parsed.error)}`, parsed.error.issues);
    }
    // In partial mode a pin's default must not appear where the author said nothing.
    return partial ? Object.fromEntries(given.map((name) => [name, parsed.data[name]])) : parsed.data;
  }
}

function requiredOf(schemas: PinSchemas): string[] {
  return Object.keys(schemas).filter((name) => schemas[name] !== undefined && isRequired(schemas[name]));
}

function describePins(side: "input" | "output", schemas: PinSchemas, values: Values, error: z.ZodError): string {
  const problems = error.issues.map((issue) => {
    const name = String(issue.path[0]);
    const schema = schemas[name];
    const type = schema ? ` (${formatPinType(pinTypeOf(schema, side))})` : "";
    const at = issue.path.length > 1 ? ` at ${pathText(issue.path)}` : "";
    return `${side} "${name}"${type}${at}: ${plainMessage(issue)}, not ${describeValue(valueAt(values, issue.path))}`;
  });
  return problems.slice(0, 5).join("; ");
}

/** zod's message without its prefix and what it says of the received type, which we say with the value. */
function plainMessage(issue: z.core.$ZodIssue): string {
  return issue.message.replace(/^Invalid (input|option): /, "").replace(/, received \w+$/, "");
}

function valueAt(values: unknown, path: readonly PropertyKey[]): unknown {
  let value = values;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  return value;
}

function pathText(path: readonly PropertyKey[]): string {
  return path.length === 0 ? "(root)" : path.map(String).join(".");
}

function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object") return "an object";
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  return typeof value === "function" ? "a function" : String(value);
}

function plural(noun: string, names: readonly string[]): string {
  return `${noun}${names.length === 1 ? "" : "s"} ${names.map((name) => `"${name}"`).join(", ")}`;
}

function invalid(message: string, details?: unknown): RayflowError {
  return new RayflowError("ValidationError", message, details === undefined ? {} : { details });
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
