import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readFlow, readInputs } from "./read-json.ts";

const folder = mkdtempSync(path.join(tmpdir(), "rayflow-read-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(text: string): string {
  const name = path.join(folder, "some.json");
  writeFileSync(name, text);
  return name;
}
const usage = (message: RegExp) => ({ code: "UsageError", message: expect.stringMatching(message) });

describe("readInputs", () => {
  it("are empty when none are given", async () => {
    expect(await readInputs({})).toEqual({});
  });

  it("come from the argument or from a file, not from both", async () => {
    expect(await readInputs({ input: '{"x": null}' })).toEqual({ x: null });
    expect(await readInputs({ inputFile: file('{"x": 1}') })).toEqual({ x: 1 });
    await expect(readInputs({ input: "{}", inputFile: "a.json" })).rejects.toMatchObject(usage(/not both/));
  });

  it.each(["[1]", "null", '"text"', "5"])("that are %s are refused: they are an object", async (input) => {
    await expect(readInputs({ input })).rejects.toMatchObject(usage(/one JSON object/));
  });

  it.each([
    ['{"x": 5,,}', /line 1, column 9/],
    ['{\n  "x": 5,\n  y: 3\n}', /line 3, column 3/],
    ['{"x": ', /line 1, column 7/],
    ["", /line 1, column 1/],
  ])("that are no JSON (%j) are refused with the place", async (input, place) => {
    await expect(readInputs({ input })).rejects.toMatchObject(usage(place));
  });
});

describe("readFlow", () => {
  it("reads over a byte order mark", async () => {
    expect(await readFlow(file('\uFEFF{"nodes": []}'))).toEqual({ nodes: [] });
  });

  it("says which file it cannot read, and why", async () => {
    await expect(readFlow(path.join(folder, "none.json"))).rejects.toMatchObject(usage(/none\.json.*no such file/));
    await expect(readFlow(folder)).rejects.toMatchObject(usage(/is a folder/));
    await expect(readFlow(file("{"))).rejects.toMatchObject(usage(/some\.json is no JSON/));
  });
});
