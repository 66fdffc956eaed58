/** Takes secrets out of what leaves node code: outputs, errors, log lines. Best effort against code that transforms them first. */
import type { ErrorInfo } from "../flow/index.ts";

export const MASK = "***";

/** Gives a value without the secrets that it holds, as they are, in base64 or encoded for a URL. */
export type Mask = <T>(value: T) => T;

export function maskOf(secrets: readonly string[]): Mask {
  const forms = new Set<string>();
  for (const secret of secrets) {
    const bytes = Buffer.from(secret);
    for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) forms.add(form);
    forms.add(bytes.toString("hex"));
    for (const form of base64Forms(bytes)) forms.add(form).add(form.replaceAll("+", "-").replaceAll("/", "_"));
  }
  // The longest first: one secret may be a part of another.
  const ordered = [...forms].sort((a, b) => b.length - a.length);
  const text = (value: string): string => ordered.reduce((masked, form) => masked.replaceAll(form, MASK), value);
  const walk = (value: unknown, seen: Set<object>): unknown => {
    if (typeof value === "string") return text(value);
    if (typeof value !== "object" || value === null || seen.has(value)) return value;
    if (value instanceof Error) return maskError(value, text, (inner) => walk(inner, new Set([...seen, value])));
    // What is no plain data is for others to refuse.
    const prototype: unknown = Object.getPrototypeOf(value);
    if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return value;
    const within = new Set([...seen, value]);
    if (Array.isArray(value)) return value.map((item) => walk(item, within));
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [text(key), walk(item, within)]));
  };
  return <T>(value: T): T => walk(value, new Set()) as T;
}

/** The characters of base64 that the bytes alone decide, wherever they stand in what is encoded: `user:secret`, say. */
function base64Forms(bytes: Uint8Array): string[] {
  return [0, 1, 2].map((before) => {
    const whole = Math.floor(((before + bytes.length) * 8) / 6);
    return Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .slice(Math.ceil((before * 8) / 6), whole);
  });
}

/** The same error without the secrets: who threw it may keep it, so that a copy would not do. */
function maskError(error: Error, text: (value: string) => string, walk: (value: unknown) => unknown): Error {
  const fields = error as Error & Partial<ErrorInfo>;
  for (const name of ["message", "stack", "code", "details", "cause"] as const) {
    if (fields[name] === undefined) continue;
    const masked = name === "message" || name === "stack" ? text(String(fields[name])) : walk(fields[name]);
    Object.defineProperty(error, name, { value: masked, configurable: true, writable: true });
  }
  return error;
}
