import { describe, expect, it } from "vitest";
import { moveField, removeField, renameField, setField } from "./api-schema.ts";
import type { FlowDocument } from "./flow-document.ts";

const flow: FlowDocument = {
  name: "f",
  variables: {},
  nodes: [
    {
      id: "s",
      type: "start",
      position: { x: 0, y: 0 },
      config: { api_schema: { a: { type: "int" }, b: { type: "str" } }, extra: 1 },
      constants: {},
    },
  ],
  edges: [
    { id: "e1", source: "s", sourceHandle: "output-a", target: "t", targetHandle: "input-x" },
    { id: "e2", source: "s", sourceHandle: "output-b", target: "t", targetHandle: "input-y" },
  ],
};
const schemaOf = (document: FlowDocument) => document.nodes[0]?.config.api_schema;

describe("START's declared inputs", () => {
  it("a renamed one keeps its place and its wires", () => {
    const after = renameField(flow, "s", "a", "amount");
    expect(Object.keys(schemaOf(after) as object)).toEqual(["amount", "b"]);
    expect(after.edges.map((edge) => edge.sourceHandle)).toEqual(["output-amount", "output-b"]);
  });

  it("are set, removed and moved without touching the rest of the config", () => {
    const after = moveField(setField(flow, "s", "c", { type: "any" }), "s", "c", -1);
    expect(Object.keys(schemaOf(after) as object)).toEqual(["a", "c", "b"]);
    expect(schemaOf(removeField(after, "s", "a"))).toEqual({ c: { type: "any" }, b: { type: "str" } });
    expect(after.nodes[0]?.config.extra).toBe(1);
  });
});
