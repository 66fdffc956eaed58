/** What the stand-in says: the same to the same question, and in every answer that it is none of a model's. */
import { createHash } from "node:crypto";

export const STAND_IN_FINGERPRINT = "rayflow-stand-in";
export const STAND_IN_NOTE = "[stand-in: no model wrote this]";

const OPENINGS = [
  "I would begin with the smallest step that shows whether it works",
  "The decisive question is what happens when a part of it fails",
  "I would keep what exists and change one thing at a time",
  "Measure first, then choose the plainest option that meets the need",
];
const CLOSINGS = [
  "Then test it under load before anybody depends on it.",
  "Write down why, so that the next person can decide anew.",
  "Keep a way back for as long as it costs little.",
  "Everything else can wait until it is asked for.",
];
const MAX_DEPTH = 8;

export interface StandInPrompt {
  readonly system: string;
  readonly user: string;
}

/** An answer in plain text. */
export function textAnswer({ system, user }: StandInPrompt): string {
  const hash = hashOf(`${system}\n${user}`);
  const role = /in the role ([^,\n]{1,80}),/.exec(system)?.[1];
  const task = (/^Task:\n([\s\S]*?)(?:\n\n|$)/.exec(user)?.[1] ?? user).trim().slice(0, 200);
  const revised = user.includes("Answers of your peers:") ? "Having weighed my peers' answers: " : "";
  const opening = OPENINGS[hash % OPENINGS.length] ?? "";
  const closing = CLOSINGS[Math.floor(hash / 16) % CLOSINGS.length] ?? "";
  const voice = role === undefined ? "" : `As ${role}: `;
  return `${STAND_IN_NOTE} ${voice}${revised}on "${task}": ${opening}. ${closing}`;
}

/** A value that fits a JSON Schema, as far as the usual keywords go. */
export function jsonAnswer(schema: unknown, prompt: StandInPrompt, depth = 0, path = ""): unknown {
  if (typeof schema !== "object" || schema === null || depth > MAX_DEPTH) return null;
  const rule = schema as Record<string, unknown>;
  if (Array.isArray(rule.enum)) return rule.enum[0] ?? null;
  if ("const" in rule) return rule.const;
  const inner = (value: unknown, name: string) => jsonAnswer(value, prompt, depth + 1, `${path}/${name}`);
  switch (Array.isArray(rule.type) ? rule.type[0] : rule.type) {
    case "object": {
      const properties = Object.entries((rule.properties ?? {}) as Record<string, unknown>);
      return Object.fromEntries(properties.map(([name, value]) => [name, inner(value, name)]));
    }
    case "array": {
      const count = typeof rule.minItems === "number" ? Math.min(rule.minItems, 1_000) : 1;
      return Array.from({ length: count }, (_, at) => numbered(inner(rule.items, String(at)), at));
    }
    case "number":
    case "integer":
      return numberIn(rule, hashOf(`${prompt.user}${path}`));
    case "boolean":
      return hashOf(`${prompt.user}${path}`) % 2 === 0;
    case "null":
      return null;
    default:
      return textAnswer(prompt);
  }
}

/** A list of things that are numbered from 1, as a judge's is. */
function numbered(value: unknown, at: number): unknown {
  if (typeof value !== "object" || value === null || !("answer" in value)) return value;
  return typeof value.answer === "number" ? { ...value, answer: at + 1 } : value;
}

function numberIn(rule: Record<string, unknown>, hash: number): number {
  const min = typeof rule.minimum === "number" ? rule.minimum : 0;
  const max = typeof rule.maximum === "number" ? rule.maximum : min + 1;
  const value = min + ((hash % 1_000) / 1_000) * (max - min);
  return rule.type === "integer" ? Math.round(value) : value;
}

function hashOf(text: string): number {
  return createHash("sha256").update(text).digest().readUInt32BE();
}
