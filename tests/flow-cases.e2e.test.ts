/** Every example flow gives what its cases say, through the command, against a real server. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rayflow, root, startDev } from "./rayflow-process.ts";

interface FlowCase {
  readonly inputs?: unknown;
  readonly return?: string;
  readonly status_code?: number;
  readonly result?: unknown;
  readonly error?: string;
  readonly invalid?: readonly string[];
}

const folder = path.join(root, "examples", "flows");
/** Flows with these wait for the issue that builds them. */
const LATER = /"control_(for_each|while|repeat|sleep|sequence|subflow|wait_signal|break|continue)"/;

const files = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .map((name) => ({ name, file: path.join(folder, name), text: readFileSync(path.join(folder, name), "utf8") }))
  .filter(({ text }) => !LATER.test(text))
  .flatMap(({ name, file, text }) =>
    (JSON.parse(text).cases as FlowCase[]).map((expected) => ({ name, file, expected })),
  );

let dev: Awaited<ReturnType<typeof startDev>>;
beforeAll(async () => {
  dev = await startDev();
});
afterAll(async () => {
  await dev.stop();
});

describe.concurrent("examples/flows", () => {
  for (const { name, file, expected } of files) {
    it(`${name} with ${JSON.stringify(expected.inputs ?? {})} gives what its case says`, async () => {
      const input = JSON.stringify(expected.inputs ?? {});
      const { code, stdout, stderr } = await rayflow(["run", file, "--input", input, "--json", "--server", dev.url]);
      const said = JSON.parse(stdout);
      if (expected.invalid !== undefined) {
        expect({ code, valid: said.valid }, stderr).toEqual({ code: 2, valid: false });
        const codes = said.errors.map((error: { code: string }) => error.code);
        expect([...codes].sort()).toEqual([...expected.invalid].sort());
      } else if (expected.error !== undefined) {
        expect({ code, success: said.success, error: said.error?.code }, stdout).toEqual({
          code: 1,
          success: false,
          error: expected.error,
        });
      } else {
        expect({ code, success: said.success, return: said.return }, stdout).toEqual({
          code: 0,
          success: true,
          return: expected.return,
        });
        if (expected.result !== undefined) expect(said.result).toMatchObject(expected.result as object);
        if (expected.status_code !== undefined) expect(said.status_code).toBe(expected.status_code);
      }
    });
  }
});

describe("rayflow validate", () => {
  it("prints for an invalid flow what run prints, and exits with 2", async () => {
    const file = path.join(folder, "invalid-many.json");
    const validated = await rayflow(["validate", file, "--json", "--server", dev.url]);
    const run = await rayflow(["run", file, "--json", "--server", dev.url]);
    expect(JSON.parse(validated.stdout)).toEqual(JSON.parse(run.stdout));
    expect([validated.code, run.code]).toEqual([2, 2]);
  });

  it("exits with 0 for a valid one", async () => {
    const { code, stdout } = await rayflow(["validate", path.join(folder, "sum.json"), "--json", "--server", dev.url]);
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, valid: true, errors: [] });
  });
});
