/** What was written into a flow's input fields the last time, kept in the browser. */
import { isObject } from "../model/json.ts";
import type { Draft } from "./input-fields.ts";

const KEY = "rayflow.inputs";
/** Flows whose inputs are kept; the ones not run for longest go first. */
const MOST_FLOWS = 50;
/** Longer inputs than this are not kept, letters. */
const LONGEST = 100_000;

/** Drafts by field; under the empty name, the whole of a flow that declares no inputs. */
export type Drafts = Readonly<Record<string, Draft>>;

export function lastInputs(flow: string): Drafts {
  const kept = all().find(([name]) => name === flow)?.[1];
  return kept ?? {};
}

export function keepInputs(flow: string, drafts: Drafts): void {
  if (JSON.stringify(drafts).length > LONGEST) return;
  const kept = [[flow, drafts] as const, ...all().filter(([name]) => name !== flow)].slice(0, MOST_FLOWS);
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // No room, or no right to keep anything: then nothing is remembered.
  }
}

function all(): (readonly [string, Drafts])[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => Array.isArray(one) && isObject(one[1])) : [];
  } catch {
    return [];
  }
}
