/** Every flow in examples/flows, driven through the machine with the built-in nodes' own code and no bus. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { fakeContext } from "../../actors/testing.ts";
import { toErrorInfo } from "../../flow/index.ts";
import { builtinNodes } from "../../nodes/index.ts";
import { foldRun } from "./fold.ts";
import { RunBench, seeded } from "./testing.ts";

interface Case {
  readonly inputs?: Record<string, unknown>;
  readonly return?: string;
  readonly status_code?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: string;
  readonly invalid?: readonly string[];
}

const folder = join(import.meta.dirname, "../../examples/flows");
const definitions = new Map(Object.values(builtinNodes).map((node) => [node.nodeType.type, node]));
const types = new Map([...definitions].map(([type, node]) => [type, node.nodeType]));

async function runToEnd(flow: unknown, inputs: Record<string, unknown>, seed: number): Promise<RunBench> {
  const bench = new RunBench(flow, { types, inputs });
  const random = seeded(seed);
  const ctx = fakeContext();
  for (let step = 0; step < 10_000 && !bench.result; step++) {
    const work = bench.work[Math.floor(random() * bench.work.length)];
    if (!work) {
      if (!bench.fireNext()) break;
      continue;
    }
    const execute = definitions.get(work.type)?.execute;
    try {
      const outcome = await execute?.(work.entry.inputs, work.entry.config, ctx);
      bench.answer(work, { outputs: outcome?.outputs ?? {}, ...(outcome?.exec ? { exec: outcome.exec } : {}) });
    } catch (error) {
      bench.answer(work, { error: toErrorInfo(error) });
    }
  }
  return bench;
}

describe.each(readdirSync(folder).filter((name) => name.endsWith(".json")))("%s", (name) => {
  const file = JSON.parse(readFileSync(join(folder, name), "utf8")) as { flow: unknown; cases: Case[] };
  const cases = file.cases.filter((entry) => !entry.invalid);
  if (cases.length === 0) {
    test("is an invalid flow, which the validator's tests cover", () => expect(file.cases[0]?.invalid).toBeDefined());
  }
  test.each(cases.map((entry) => [JSON.stringify(entry.inputs), entry] as const))(
    "%s gives what is expected",
    async (_, entry) => {
      for (const seed of [1, 2, 3]) {
        const bench = await runToEnd(file, entry.inputs ?? {}, seed);
        const { result } = bench;
        if (entry.error) {
          expect(result).toMatchObject({ success: false, error: { code: entry.error } });
          continue;
        }
        expect(result?.error).toBeNull();
        expect(result?.return).toBe(entry.return);
        if (entry.status_code) expect(result?.status_code).toBe(entry.status_code);
        if (entry.result) expect(result?.result).toMatchObject(entry.result);
        const again = foldRun("run1", 0, bench.log);
        expect(again.result).toEqual(result);
      }
    },
  );
});
