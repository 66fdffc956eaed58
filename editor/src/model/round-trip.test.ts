import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { checkFlow, normalizeFlow } from "../../../flow/index.ts";
import { fixtureTypes } from "../../../flow/testing.ts";
import { isObject, type JsonObject } from "./json.ts";
import { readFlow } from "./read-flow.ts";
import { writeFlow } from "./write-flow.ts";

const folder = new URL("../../../examples/flows/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
const read = (name: string): JsonObject => JSON.parse(readFileSync(new URL(name, folder), "utf8"));

function documentOf(json: unknown) {
  const { document } = readFlow(json);
  if (document === undefined) throw new Error("no flow");
  return document;
}

describe.each(files)("examples/flows/%s", (name) => {
  const json = read(name);
  const written = writeFlow(documentOf(json));

  it("means the same to the engine after import and export", () => {
    const before = normalizeFlow(json).flow;
    const after = normalizeFlow(written).flow;
    expect(after?.nodes).toEqual(before?.nodes);
    expect(after?.edges).toEqual(before?.edges);
    expect(after?.variables).toEqual(before?.variables);
  });

  it("has the same errors", () => {
    const codes = (flow: unknown) =>
      checkFlow(flow, fixtureTypes).errors.map((issue) => `${issue.code} ${issue.node_id}`);
    expect(codes(written).sort()).toEqual(codes(json).sort());
  });

  it("keeps what is beside the flow", () => {
    expect(written.cases).toEqual(json.cases);
  });

  it("is the same text after a second round", () => {
    expect(JSON.stringify(writeFlow(documentOf(written)))).toBe(JSON.stringify(written));
  });
});

describe("a flow with keys that nobody knows", () => {
  const file = {
    $schema: "./flow.schema.json",
    metadata: { name: "shop", version: "2", author: "Ada", mood: { good: true } },
    variables: { total: null },
    triggers: [{ every: "10m" }],
    error_strategy: "pause",
    flow: {
      viewport: { x: 1, y: 2, zoom: 0.5 },
      nodes: [
        {
          id: "s",
          type: "start",
          position: { x: -12.5, y: 3 },
          selected: true,
          className: "mine",
          data: { label: "Go", notes: "first", config: { deep: [{ a: null }] } },
        },
        { id: "r", type: "return", position: { x: 100, y: 3 }, config: { name: "ok" }, constants: { x: null } },
      ],
      edges: [
        {
          id: "e",
          source: "s",
          target: "r",
          sourceHandle: "exec-out",
          targetHandle: "exec-in",
          animated: true,
          note: 7,
        },
      ],
    },
  };
  const written = writeFlow(documentOf(file));
  const graph = written.flow as { nodes: JsonObject[]; edges: JsonObject[]; viewport: unknown };

  it("keeps them, at every level", () => {
    expect(written).toMatchObject({ $schema: "./flow.schema.json", triggers: file.triggers, error_strategy: "pause" });
    expect(written.metadata).toEqual(file.metadata);
    expect(graph.viewport).toEqual(file.flow.viewport);
    expect(graph.nodes[0]).toMatchObject({ className: "mine", data: { notes: "first", label: "Go" } });
    expect(graph.edges[0]).toMatchObject({ animated: true, note: 7 });
  });

  it("keeps positions to the fraction, literals that are null, and config as it is written", () => {
    expect(graph.nodes[0]?.position).toEqual({ x: -12.5, y: 3 });
    expect(graph.nodes[1]).toMatchObject({ data: { constantValues: { x: null }, config: { name: "ok" } } });
    expect(graph.nodes[0]).toMatchObject({ data: { config: { deep: [{ a: null }] } } });
    expect(written.variables).toEqual({ total: null });
  });

  it("drops what the canvas said of its own state", () => {
    expect(graph.nodes[0]).not.toHaveProperty("selected");
  });
});

describe("the three shapes", () => {
  const nodes = [
    { id: "s", type: "start", position: { x: 0, y: 0 } },
    { id: "a", type: "rayflow.nodes.math.add.AddNode", position: { x: 9, y: 0 }, constantValues: { x: 1, y: 2 } },
    { id: "r", type: "return", position: { x: 18, y: 0 } },
  ];
  const wires = [
    { id: "e0", source: "s", target: "r", sourceHandle: "exec-out", targetHandle: "exec-in" },
    { id: "e1", source: "a", target: "r", sourceHandle: "output-result", targetHandle: "input-sum" },
  ];
  const connections = [
    { from: "s", fromExec: "finish", to: "r", toExec: "exec" },
    { from: "a", fromOutput: "result", to: "r", toInput: "sum" },
  ];
  const shapes: [string, unknown][] = [
    ["the editor's export", { metadata: { name: "f" }, variables: {}, flow: { nodes, edges: wires } }],
    ["the bare graph", { name: "f", nodes, edges: wires }],
    ["connections", { name: "f", nodes, connections }],
    ["a normalised flow", normalizeFlow({ name: "f", nodes, edges: wires }).flow],
  ];

  it.each(shapes)("%s becomes the same document", (_, json) => {
    const { document, problems } = readFlow(json);
    expect(problems).toEqual([]);
    expect(document?.name).toBe("f");
    expect(document?.nodes.map(({ id, type }) => `${id} ${type}`)).toEqual(["s start", "a math_add", "r return"]);
    expect(document?.nodes[1]?.constants).toEqual({ x: 1, y: 2 });
    expect(
      document?.edges.map((edge) => `${edge.source} ${edge.sourceHandle} ${edge.target} ${edge.targetHandle}`),
    ).toEqual(["s exec-out r exec-in", "a output-result r input-sum"]);
  });
});

describe("what is broken", () => {
  it("is no flow: the reason is given", () => {
    for (const json of [null, 7, "x", [], {}, { nodes: 3 }]) {
      const { document, problems } = readFlow(json);
      expect(document).toBeUndefined();
      expect(problems[0]).toMatch(/no flow/);
    }
  });

  it("a second node with an id gets another one, and it is said", () => {
    const { document, problems } = readFlow({
      nodes: [
        { id: "a", type: "x" },
        { id: "a", type: "y" },
      ],
      edges: [],
    });
    expect(document?.nodes.map((node) => node.id)).toEqual(["a", "a_2"]);
    expect(problems).toEqual(['nodes[1] is now called "a_2": its id "a" was another node\'s']);
  });

  it("a wire from exec to data stays, for the canvas to show; one that does not say where it goes is left out, and it is said", () => {
    const { document, problems } = readFlow({
      nodes: [
        { id: "a", type: "start" },
        { id: "b", type: "return" },
      ],
      edges: [
        { id: "odd", source: "a", target: "b", sourceHandle: "exec-out", targetHandle: "input-x" },
        { id: "lost", source: "a", sourceHandle: "exec-out", targetHandle: "exec-in" },
      ],
    });
    expect(document?.edges.map((edge) => edge.id)).toEqual(["odd"]);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain('"lost"');
  });

  it("nodes without a position are named, and do not lie on each other", () => {
    const { document, unplaced } = readFlow({
      nodes: [
        { id: "a", type: "start" },
        { id: "b", type: "return" },
      ],
      edges: [],
    });
    expect(unplaced).toEqual(["a", "b"]);
    expect(new Set(document?.nodes.map((node) => JSON.stringify(node.position))).size).toBe(2);
  });

  it("a __proto__ key reaches no object", () => {
    const json = JSON.parse('{"nodes":[{"id":"a","type":"start","__proto__":{"x":1}}],"__proto__":{"polluted":true}}');
    const document = documentOf(json);
    expect(isObject(document.rest)).toBe(false);
    expect(({} as JsonObject).polluted).toBeUndefined();
  });
});
