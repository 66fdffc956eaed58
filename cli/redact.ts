/**
 * Keeps secrets out of what is logged: by the names of fields at any depth, and by what they look like inside texts.
 * It gives copies; what is logged is not changed.
 */

export const REDACTED = "[redacted]";

/** Words of which one in a field's name makes its value a secret. */
const SECRET_WORDS = new Set(
  "password passwd pwd passphrase secret secrets token tokens authorization credential credentials creds cookie jwt nkey seed apikey".split(
    " ",
  ),
);
/** Two words in a row that do. */
const SECRET_PAIRS = new Set([
  "api key",
  "api keys",
  "access key",
  "private key",
  "secret key",
  "signing key",
  "token key",
  "token keys",
]);
/** Of these, numbers are counts (`max_tokens: 500`) and no secrets. */
const COUNTED = new Set(["token", "tokens"]);

const MAX_DEPTH = 12;
const MAX_ITEMS = 1_000;

/** `user:password@` of an address, whatever its scheme; a token alone counts. */
const URL_CREDENTIALS = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@"'<>]+@/gi;
/** What follows the name of a scheme of HTTP's authorization. */
const AUTHORIZATION = /\b(bearer|basic)\s+[A-Za-z0-9+/_~.=-]{6,}/gi;
const NAME = String.raw`[\w.-]*(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|credentials?|authorization)`;
/** `name=value` of queries and forms, `name: value` of headers. */
const PAIR = new RegExp(String.raw`\b(${NAME}\s*=\s*)[^\s&;,"'<>)]+`, "gi");
/** `"name": "value"` of JSON in a text, however often it was escaped. */
const JSON_PAIR = new RegExp(String.raw`(\\*["']${NAME}\\*["']\s*:\s*\\*["'])(?:(?!\\*["']\s*[,}\]]).)+`, "gi");
/** Seeds of NATS's nkeys. */
const NKEY_SEED = /\bS[UAONCX][A-Z2-7]{56}\b/g;
const PEM = /-----BEGIN ([A-Z0-9 ]*(?:KEY|JWT|SEED)[A-Z0-9 ]*)-----[\s\S]*?(?:-----END \1-----|$)/g;

/** The text without what looks like a secret. */
export function redactText(text: string): string {
  return text
    .replace(PEM, REDACTED)
    .replace(URL_CREDENTIALS, `$1${REDACTED}@`)
    .replace(JSON_PAIR, `$1${REDACTED}`)
    .replace(PAIR, `$1${REDACTED}`)
    .replace(AUTHORIZATION, `$1 ${REDACTED}`)
    .replace(NKEY_SEED, REDACTED);
}

/** A copy of any value that can be logged, without secrets. */
export function redact(value: unknown, depth = 0, seen: readonly object[] = []): unknown {
  if (typeof value === "string") return redactText(value);
  if (typeof value !== "object" || value === null) return value;
  if (seen.includes(value)) return "[circular]";
  if (depth >= MAX_DEPTH) return "[too deep]";
  const within = [...seen, value];
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => redact(item, depth + 1, within));
  if (value instanceof Map) return redact(Object.fromEntries(named(value)), depth, seen);
  if (value instanceof Set) return redact([...value], depth, seen);
  if (value instanceof URL) return redactText(value.href);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  // What says itself how it is written (dates, and errors of libraries) is asked once.
  if ("toJSON" in value && typeof value.toJSON === "function") return redact(value.toJSON(), depth + 1, within);
  const copy: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) copy[name] = redactField(name, field, depth, within);
  return copy;
}

/** What is no text as a key is shown by its kind. */
function* named(map: ReadonlyMap<unknown, unknown>): Generator<[string, unknown]> {
  for (const [key, value] of map) yield [typeof key === "object" ? `[${typeof key}]` : String(key), value];
}

function redactField(name: string, value: unknown, depth: number, within: readonly object[]): unknown {
  const secret = secretIn(name);
  if (secret === undefined || value === null || value === undefined) return redact(value, depth + 1, within);
  const isCount = COUNTED.has(secret) && (typeof value === "number" || typeof value === "boolean");
  return isCount ? value : REDACTED;
}

/** The word that makes a field of this name a secret. */
function secretIn(name: string): string | undefined {
  const words = name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  return words.find((word, at) => SECRET_WORDS.has(word) || (at > 0 && SECRET_PAIRS.has(`${words[at - 1]} ${word}`)));
}
