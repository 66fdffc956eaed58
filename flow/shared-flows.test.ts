import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { buildGraph } from "./graph-builder.ts";
import { fixtureTypes } from "./testing.ts";
import { checkFlow } from "./validator.ts";

const folder = new URL("../examples/flows/", import.meta.url);
/** Those whose node types the fixtures have. */
const files = [
  "branch-join",
  "counter",
  "factorial",
  "invalid-cycle",
  "invalid-many",
  "invalid-no-return",
  "invalid-no-start",
  "invalid-two-starts",
  "invalid-types",
  "invalid-unknown-type",
  "parallel",
  "pricing",
  "safe-divide",
  "sum",
];

interface FlowFile {
  cases: { invalid?: string[] }[];
}

describe.each(files)("examples/flows/%s.json", (name) => {
  const json = JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8")) as FlowFile;
  const expected = json.cases.flatMap((one) => one.invalid ?? []);
  const checked = checkFlow(json, fixtureTypes);

  it(expected.length > 0 ? `has exactly the errors ${expected.join(", ")}` : "is valid, without a warning", () => {
    const codes = new Set(checked.errors.map((issue) => issue.code));
    expect([...codes].sort()).toEqual([...expected].sort());
    if (expected.length === 0) expect(checked.warnings).toEqual([]);
  });

  // An invalid one has no graph to be made.
  if (expected.length > 0) return;
  it("can be made into a graph", () => {
    if (checked.flow === undefined) throw new Error("no flow");
    const graph = buildGraph(checked.flow, fixtureTypes);
    expect(graph.nodes.size).toBe(checked.flow.nodes.length);
  });
});
