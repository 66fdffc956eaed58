import { RayflowError } from "../actors/sdk.ts";
import { jsonType } from "./_json-type.ts";
import { toText } from "./_text.ts";

/** The failure to read a value as another type; trying again would not help. */
export function conversionError(value: unknown, type: string, hint = ""): RayflowError {
  const text = toText(value);
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  const message = `cannot read this ${jsonType(value)} as ${type}: ${shown}${hint}`;
  return new RayflowError("ConversionError", message, { retryable: false });
}
