/** The example flows with what must come out of them. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { root } from "./rayflow-process.ts";

export interface FlowCase {
  readonly inputs?: Record<string, unknown>;
  readonly return?: string;
  readonly status_code?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: string;
  readonly invalid?: readonly string[];
}

export interface ExampleCase {
  readonly name: string;
  readonly file: string;
  readonly flow: unknown;
  readonly expected: FlowCase;
}

/** Flows with these wait for the issue that builds them. */
const LATER = /"control_(for_each|while|repeat|sleep|sequence|subflow|wait_signal|break|continue)"/;

export const examplesFolder = path.join(root, "examples", "flows");

export function exampleCases(): ExampleCase[] {
  return readdirSync(examplesFolder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => ({ name, text: readFileSync(path.join(examplesFolder, name), "utf8") }))
    .filter(({ text }) => !LATER.test(text))
    .flatMap(({ name, text }) => {
      const { flow, cases } = JSON.parse(text) as { flow: unknown; cases: FlowCase[] };
      return cases.map((expected) => ({ name, file: path.join(examplesFolder, name), flow, expected }));
    });
}
