import { describe, expect, it } from "vitest";
import { MAX_EDGES, MAX_NODES } from "./flow.ts";
import { normalizeFlow } from "./normalize.ts";

const start = { id: "start", type: "start" };
const ret = { id: "ret", type: "return" };
const wire = { id: "w", source: "start", target: "ret", sourceHandle: "exec-out", targetHandle: "exec-in" };
const normalWire = {
  id: "w",
  kind: "exec",
  source: "start",
  source_pin: "finish",
  target: "ret",
  target_pin: "exec",
};
const codes = (json: unknown) => normalizeFlow(json).issues.map((issue) => issue.code);
const edgeOf = (edge: object) => normalizeFlow({ nodes: [start, ret], edges: [edge] }).flow?.edges[0];

describe("the shapes of a flow file", () => {
  const shapes: [string, unknown][] = [
    ["the bare graph", { nodes: [start, ret], edges: [wire] }],
    ["the editor's export", { metadata: { name: "f" }, variables: {}, flow: { nodes: [start, ret], edges: [wire] } }],
    ["a wrapped graph", { flow: { nodes: [start, ret], edges: [wire] }, cases: [], expected: {}, $schema: "x" }],
    ["a wrapped export", { flow: { metadata: {}, flow: { nodes: [start, ret], edges: [wire] } }, cases: [] }],
    ["connections", { name: "f", nodes: [start, ret], connections: [{ id: "w", from: "start", to: "ret" }] }],
  ];

  it.each(shapes)("%s is read", (_, json) => {
    const { flow, issues, warnings } = normalizeFlow(json);
    expect({ issues, warnings }).toEqual({ issues: [], warnings: [] });
    expect(flow?.edges).toEqual([normalWire]);
    expect(flow?.nodes.map((node) => node.id)).toEqual(["start", "ret"]);
  });

  it("a field that is set further in wins over one further out", () => {
    const { flow } = normalizeFlow({
      name: "outer",
      drain: "await",
      variables: { a: 1, b: 1 },
      flow: {
        metadata: { name: "inner", version: 2, error_strategy: "pause" },
        variables: { b: 2 },
        flow: { nodes: [], edges: [] },
      },
    });
    expect(flow).toMatchObject({ name: "inner", version: "2", drain: "await", error_strategy: "pause" });
    expect(flow?.variables).toEqual({ a: 1, b: 2 });
  });

  it("a flow without a name is called flow", () => {
    expect(normalizeFlow({ nodes: [], edges: [] }).flow).toMatchObject({
      name: "flow",
      error_strategy: "abort",
      drain: "cancel",
    });
  });

  it.each([null, 1, "flow", [], {}, { nodes: {} }, { flow: { flow: { flow: { flow: { nodes: [] } } } } }])(
    "%j is no flow",
    (json) => {
      expect(normalizeFlow(json).flow).toBeUndefined();
      expect(codes(json)).toEqual(["MISSING_FIELD"]);
    },
  );
});

describe("a node", () => {
  it("is read from its own fields and from its data, and the data wins", () => {
    const { flow } = normalizeFlow({
      nodes: [
        {
          id: "a",
          type: "math/add.py",
          position: { x: 1, y: 2, z: 3 },
          label: "outer",
          config: { one: 1, two: 1 },
          constants: { x: 1, y: 1 },
          policy: { timeout: 5, on_error: "continue" },
          data: { label: "inner", config: { two: 2 }, constantValues: { y: null }, policy: { timeout: "1s" } },
        },
      ],
    });
    expect(flow?.nodes).toEqual([
      {
        id: "a",
        type: "math_add",
        label: "inner",
        position: { x: 1, y: 2 },
        config: { one: 1, two: 2 },
        constants: { x: 1, y: null },
        policy: { timeout: "1s", on_error: "continue" },
      },
    ]);
  });

  it.each([
    ["no object", 3, "MISSING_FIELD"],
    ["no id", { type: "start" }, "MISSING_FIELD"],
    ["no type", { id: "a" }, "MISSING_FIELD"],
    ["a number as its id", { id: 1, type: "start" }, "BAD_ID"],
    ["an id with a dot", { id: "a.b", type: "start" }, "BAD_ID"],
    ["an id of 65 characters", { id: "a".repeat(65), type: "start" }, "BAD_ID"],
    ["a config that is a list", { id: "a", type: "start", config: [] }, "BAD_CONFIG"],
    ["data that is a text", { id: "a", type: "start", data: "x" }, "BAD_CONFIG"],
    ["a policy with no attempts", { id: "a", type: "start", policy: { retry: { max_attempts: 0 } } }, "BAD_CONFIG"],
  ])("with %s is an issue", (_, node, code) => {
    expect(codes({ nodes: [node] })).toEqual([code]);
  });

  it("with the id of another one is an issue", () => {
    expect(codes({ nodes: [start, start] })).toEqual(["DUPLICATE_ID"]);
  });

  it("with a number as its id keeps its edges", () => {
    const { flow } = normalizeFlow({ nodes: [{ id: 1, type: "start" }, ret], edges: [{ ...wire, source: 1 }] });
    expect(flow?.edges[0]?.source).toBe("1");
  });

  it("that nests too deep is over the limit", () => {
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    for (const part of [{ config: { deep } }, { data: { constants: { deep } } }]) {
      expect(normalizeFlow({ nodes: [{ ...start, ...part }] }).flow).toBeUndefined();
      expect(codes({ nodes: [{ ...start, ...part }] })).toEqual(["LIMIT"]);
    }
    expect(codes({ nodes: [], variables: { deep } })).toEqual(["LIMIT"]);
    expect(codes({ nodes: [], cases: deep })).toEqual([]);
  });
});

describe("an edge", () => {
  it.each([
    ["exec-out", "exec-in", "exec finish exec"],
    ["exec-true", "exec-in", "exec true exec"],
    ["exec-then_0", "exec-exec", "exec then_0 exec"],
    ["output-result", "input-x", "data result x"],
    ["result", "x", "data result x"],
    ["executed", "execute", "data executed execute"],
    ["output-exec-out", "input-exec-in", "data exec-out exec-in"],
  ])("from %s to %s is read", (sourceHandle, targetHandle, expected) => {
    const edge = edgeOf({ source: "start", target: "ret", sourceHandle, targetHandle });
    expect(`${edge?.kind} ${edge?.source_pin} ${edge?.target_pin}`).toBe(expected);
  });

  it("of type exec needs no handles", () => {
    expect(edgeOf({ id: "w", type: "exec", source: "start", target: "ret", sourceHandle: null })).toEqual(normalWire);
  });

  it("of the first format names its pins itself", () => {
    expect(edgeOf({ from: "start", fromOutput: "x", to: "ret", toInput: "y" })).toMatchObject({
      kind: "data",
      source_pin: "x",
      target_pin: "y",
    });
  });

  it.each([
    ["no source", { ...wire, source: undefined }, "MISSING_FIELD"],
    ["no target", { ...wire, target: "" }, "MISSING_FIELD"],
    ["no handle", { ...wire, targetHandle: null }, "MISSING_FIELD"],
    ["an output only", { from: "start", fromOutput: "x", to: "ret" }, "MISSING_FIELD"],
    ["exec into data", { ...wire, targetHandle: "input-x" }, "KIND_MISMATCH"],
    ["data into exec", { ...wire, sourceHandle: "output-x" }, "KIND_MISMATCH"],
    ["an input where it begins", { ...wire, sourceHandle: "input-x" }, "UNKNOWN_PIN"],
    ["no object at all", "wire", "MISSING_FIELD"],
  ])("with %s is dropped and an issue", (_, edge, code) => {
    expect(codes({ nodes: [start, ret], edges: [edge] })).toEqual([code]);
    expect(normalizeFlow({ nodes: [start, ret], edges: [edge] }).flow?.edges).toEqual([]);
  });

  it("without an id gets one that no other edge has", () => {
    const { id: _, ...anonymous } = wire;
    const { flow } = normalizeFlow({ nodes: [start, ret], edges: [{ ...wire, id: "e1" }, anonymous] });
    expect(flow?.edges.map((edge) => edge.id)).toEqual(["e1", "e1_"]);
  });

  it("with the id of another one is an issue, and dropped only when it is the same wire", () => {
    const other = { ...wire, sourceHandle: "exec-error" };
    const { flow, issues } = normalizeFlow({ nodes: [start, ret], edges: [wire, wire, other] });
    expect(issues.map((issue) => issue.code)).toEqual(["DUPLICATE_ID", "DUPLICATE_ID"]);
    expect(flow?.edges.map((edge) => edge.source_pin)).toEqual(["finish", "error"]);
  });
});

describe("settings", () => {
  it.each([
    [{ error_strategy: "explode" }, "error_strategy"],
    [{ drain: true }, "drain"],
    [{ variables: [] }, "variables"],
    [{ name: {} }, "name"],
  ])("%j is an issue", (settings, path) => {
    const { flow, issues } = normalizeFlow({ ...settings, nodes: [] });
    expect(issues).toMatchObject([{ code: "BAD_CONFIG", path }]);
    expect(flow).toBeDefined();
  });

  it("unknown keys are warned of, with what may have been meant; those of React Flow are not", () => {
    const { warnings } = normalizeFlow({
      viewport: {},
      eror_strategy: "abort",
      nodes: [
        { ...start, measured: {}, dragging: false, colour: "red", data: { constnats: {} } },
        { ...ret, policy: { retries: 3, retry: { attempts: 3 } } },
      ],
      edges: [{ ...wire, animated: true, markerEnd: {}, data: {}, tragetHandle: "x" }],
    });
    expect(warnings.map((issue) => issue.path)).toEqual([
      "eror_strategy",
      "colour",
      "data.constnats",
      "policy.retries",
      "policy.retry.attempts",
      "tragetHandle",
    ]);
    expect(warnings[0]?.message).toContain('did you mean "error_strategy"?');
    expect(new Set(warnings.map((issue) => issue.code))).toEqual(new Set(["UNKNOWN_KEY"]));
  });

  it("a key __proto__ changes no prototype and is left out", () => {
    const json = JSON.parse(
      '{"nodes":[{"id":"a","type":"start","config":{"__proto__":{"evil":1}},"__proto__":{"id":"b"}}]}',
    );
    const config = normalizeFlow(json).flow?.nodes[0]?.config ?? {};
    expect(Object.keys(config)).toEqual([]);
    expect("evil" in config).toBe(false);
  });

  it.each([
    ["nodes", { nodes: Array.from({ length: MAX_NODES + 1 }, (_, i) => ({ id: `n${i}`, type: "start" })) }],
    ["edges", { nodes: [], edges: Array.from({ length: MAX_EDGES + 1 }, () => wire) }],
  ])("too many %s are over the limit, and nothing else is said", (_, json) => {
    expect(codes(json)).toEqual(["LIMIT"]);
  });
});
