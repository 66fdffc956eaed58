/** An answer that has to be JSON of a given shape. */
import type { ValidateFunction } from "ajv";
import { RayflowError } from "../../actors/sdk.ts";

export type Checked =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Compiling costs milliseconds, and flows ask for the same shape again and again. */
const compiled = new Map<string, ValidateFunction>();
const MOST_COMPILED = 64;
const MOST_PROBLEMS = 5;

/** @throws ValidationError when the schema itself is none */
export async function checkOutput(text: string, schema: Readonly<Record<string, unknown>>): Promise<Checked> {
  const validate = await validatorOf(schema);
  let value: unknown;
  try {
    value = JSON.parse(withoutFence(text));
  } catch (error) {
    return { ok: false, problems: [`not JSON: ${error instanceof Error ? error.message : String(error)}`] };
  }
  if (validate(value)) return { ok: true, value };
  const problems = (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath || "/"} ${message}`);
  return { ok: false, problems: problems.slice(0, MOST_PROBLEMS) };
}

async function validatorOf(schema: Readonly<Record<string, unknown>>): Promise<ValidateFunction> {
  const key = JSON.stringify(schema);
  const known = compiled.get(key);
  if (known !== undefined) return known;
  const { Ajv } = await import("ajv");
  try {
    const made = new Ajv({ strict: false, allErrors: false, validateFormats: false }).compile(schema);
    if (compiled.size >= MOST_COMPILED) compiled.clear();
    compiled.set(key, made);
    return made;
  } catch (error) {
    const message = `config json_schema is no JSON Schema: ${error instanceof Error ? error.message : String(error)}`;
    throw new RayflowError("ValidationError", message, { cause: error });
  }
}

/** Models like to wrap JSON into a code block. */
function withoutFence(text: string): string {
  return /^\s*```(?:json)?\s*\n([\s\S]*?)\n?\s*```\s*$/.exec(text)?.[1] ?? text;
}
