import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalizeFlow } from "./normalize.ts";
import { fixtureTypes, flowBuilder } from "./testing.ts";
import { checkFlow } from "./validator.ts";

describe("properties", () => {
  const name = fc.constantFrom("a", "b", "start", "ret", "", "x.y", "__proto__", "constructor");
  const junk = fc.oneof(fc.jsonValue({ maxDepth: 3 }), name);
  const type = fc.oneof(fc.constantFrom(...fixtureTypes.keys()), name);
  const handle = fc.constantFrom(
    "exec-out",
    "exec-in",
    "output-x",
    "input-x",
    "exec-body",
    "exec-then_1",
    "collect",
    "",
  );
  const object = (fields: Record<string, fc.Arbitrary<unknown>>) => fc.record(fields, { requiredKeys: [] });
  const node = object({
    id: fc.oneof({ weight: 4, arbitrary: name }, junk),
    type,
    config: junk,
    constants: junk,
    policy: fc.oneof(junk, object({ retry: junk, timeout: junk, on_error: junk })),
    data: fc.oneof(junk, object({ config: junk, constantValues: junk, label: junk, policy: junk })),
    position: junk,
  });
  const edge = fc.oneof(
    object({ id: name, source: name, target: name, sourceHandle: handle, targetHandle: handle, type: name }),
    object({ from: name, to: name, fromExec: handle, toExec: handle, fromOutput: handle, toInput: handle }),
    object({
      id: name,
      kind: fc.constantFrom("exec", "data"),
      source: name,
      target: name,
      source_pin: handle,
      target_pin: handle,
    }),
  );
  const graph = object({
    nodes: fc.array(fc.oneof({ weight: 9, arbitrary: node }, junk)),
    edges: fc.oneof({ weight: 9, arbitrary: fc.array(fc.oneof({ weight: 9, arbitrary: edge }, junk)) }, junk),
    connections: fc.oneof(fc.array(edge), junk),
    name: junk,
    variables: junk,
    error_strategy: junk,
    metadata: junk,
  });
  const json = fc.oneof(junk, graph, object({ flow: graph, metadata: junk, variables: junk, cases: junk }));

  it("checkFlow never throws, whatever the JSON", () => {
    fc.assert(
      fc.property(json, (value) => void checkFlow(value, fixtureTypes)),
      { numRuns: 500 },
    );
  });

  it("a normalised flow comes back as it is", () => {
    fc.assert(
      fc.property(json, (value) => {
        const { flow } = normalizeFlow(value);
        if (flow !== undefined) expect(normalizeFlow(flow).flow).toEqual(flow);
      }),
      { numRuns: 500 },
    );
  });

  it("a built flow comes back as it is, without issues", () => {
    const flow = flowBuilder({ variables: { a: null } })
      .node("start", "start", { label: "Start" })
      .node("ret", "return", { config: { name: "ok" }, constants: { x: null }, policy: { timeout: "1s" } })
      .exec("start", "ret")
      .data("start.y", "ret.y")
      .build();
    expect(normalizeFlow(JSON.parse(JSON.stringify(flow)))).toEqual({ flow, issues: [], warnings: [] });
  });
});
