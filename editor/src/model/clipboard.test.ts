import { describe, expect, it } from "vitest";
import { fixtureTypes } from "../../../flow/testing.ts";
import { copyNodes, duplicateNodes, pasteText } from "./clipboard.ts";
import { fittingPin } from "./fitting-nodes.ts";
import type { FlowDocument } from "./flow-document.ts";
import { nodeViews } from "./node-view.ts";
import { categoriesOf, searchTypes } from "./palette-search.ts";
import { readFlow } from "./read-flow.ts";

const flow = readFlow({
  name: "f",
  nodes: [
    { id: "s", type: "start", position: { x: 0, y: 0 } },
    { id: "a", type: "math_add", position: { x: 100, y: 0 }, data: { constantValues: { x: 1 }, label: "Plus" } },
    { id: "r", type: "return", position: { x: 200, y: 100 } },
  ],
  edges: [
    { id: "e1", source: "s", target: "r", sourceHandle: "exec-out", targetHandle: "exec-in" },
    { id: "e2", source: "a", target: "r", sourceHandle: "output-result", targetHandle: "input-sum" },
  ],
}).document as FlowDocument;

describe("the clipboard", () => {
  it("carries nodes with the wires between them, and no others", () => {
    const text = copyNodes(flow, new Set(["a", "r"])) ?? "";
    const pasted = pasteText(flow, text, { by: { x: 40, y: 40 } });
    expect([...(pasted?.nodes ?? [])]).toEqual(["a_2", "r_2"]);
    expect(pasted?.document.edges.slice(2)).toMatchObject([{ source: "a_2", target: "r_2" }]);
    expect(pasted?.document.nodes.at(3)).toMatchObject({
      label: "Plus",
      constants: { x: 1 },
      position: { x: 140, y: 40 },
    });
  });

  it("takes a whole flow file of any shape, middle to the pointer", () => {
    const file = JSON.stringify({ name: "x", nodes: [{ id: "n", type: "math_add" }], connections: [] });
    expect(pasteText(flow, file, { at: { x: 500, y: 300 } })?.document.nodes.at(-1)).toMatchObject({
      id: "n",
      position: { x: 500, y: 300 },
    });
  });

  it("leaves what is no flow alone", () => {
    for (const text of ["", "hello", "{", "[1]", '{"a":1}']) {
      expect(pasteText(flow, text, { at: { x: 0, y: 0 } })).toBeUndefined();
    }
    expect(copyNodes(flow, new Set())).toBeUndefined();
  });

  it("duplicates beside the original, under ids of their own", () => {
    const { document, nodes } = duplicateNodes(flow, new Set(["s", "r"]));
    expect([...nodes]).toEqual(["s_2", "r_2"]);
    expect(new Set(document.edges.map((edge) => edge.id)).size).toBe(document.edges.length);
    expect(document.edges.at(-1)).toMatchObject({ source: "s_2", target: "r_2" });
  });
});

describe("the node search", () => {
  const types = [...fixtureTypes.values()];

  it("puts what is called so before what only speaks of it", () => {
    expect(searchTypes(types, "add")[0]?.type).toBe("math_add");
    expect(searchTypes(types, "math mul").map((type) => type.type)).toEqual(["math_multiply"]);
    expect(searchTypes(types, "zzz")).toEqual([]);
    expect(searchTypes(types, "")).toHaveLength(types.length);
  });

  it("puts every type in its category", () => {
    expect(categoriesOf(types).flatMap((category) => category.types)).toHaveLength(types.length);
  });

  it("finds the pin that a loose wire fits best, and none where none fits", () => {
    const views = nodeViews()(flow, fixtureTypes);
    const result = views.get("a")?.right.find((pin) => pin.name === "result");
    const exec = views.get("s")?.right.find((pin) => pin.kind === "exec");
    const branch = fixtureTypes.get("logic_branch");
    const add = fixtureTypes.get("math_add");
    if (!result || !exec || !branch || !add) throw new Error("missing fixtures");
    expect(fittingPin(add, result)?.handle).toBe("input-x");
    expect(fittingPin(branch, result)).toBeUndefined();
    expect(fittingPin(branch, exec)?.handle).toBe("exec-in");
  });
});
