import { describe, expect, it } from "vitest";
import { fixtureTypes } from "../../../flow/testing.ts";
import { connect } from "./edit-edges.ts";
import { addNode, moveNodes, removeElements, renameNode, setConstant, updateNode } from "./edit-nodes.ts";
import { emptyDocument, type FlowDocument } from "./flow-document.ts";
import { geometryOf } from "./node-geometry.ts";
import { nodeViews } from "./node-view.ts";

function add(document: FlowDocument, type: string): FlowDocument {
  const found = fixtureTypes.get(type);
  if (found === undefined) throw new Error(`no ${type}`);
  return addNode(document, found, { x: 0, y: 0 }).document;
}

const two = add(add(emptyDocument("f"), "start"), "math_add");
const wired = connect(two, { source: "start", sourceHandle: "output-n", target: "add", targetHandle: "input-x" });

describe("views of nodes", () => {
  it("stay the same objects while nothing but positions changes", () => {
    const views = nodeViews();
    const before = views(two, fixtureTypes);
    const after = views(moveNodes(two, new Map([["add", { x: 9, y: 9 }]])), fixtureTypes);
    expect(after.get("add")).toBe(before.get("add"));
    expect(after.get("start")).toBe(before.get("start"));
  });

  it("change with a wire at both of its ends, and nowhere else", () => {
    const views = nodeViews();
    const three = add(two, "math_multiply");
    const before = views(three, fixtureTypes);
    const after = views({ ...three, edges: wired.edges }, fixtureTypes);
    expect(after.get("add")).not.toBe(before.get("add"));
    expect(after.get("start")).not.toBe(before.get("start"));
    expect(after.get("multiply")).toBe(before.get("multiply"));
  });

  it("show the pins of a type, and which are wired", () => {
    const view = nodeViews()(wired, fixtureTypes).get("add");
    expect(view?.left.map((pin) => `${pin.handle} ${pin.connected}`)).toEqual([
      "exec-in false",
      "input-x true",
      "input-y false",
    ]);
    expect(view?.right.map((pin) => pin.handle)).toEqual(["exec-out", "output-result"]);
    expect(view?.failure.map((pin) => pin.handle)).toEqual(["exec-error", "output-error"]);
  });

  it("show a pin that only an edge names as unknown", () => {
    const odd = connect(two, { source: "start", sourceHandle: "output-n", target: "add", targetHandle: "input-zz" });
    const view = nodeViews()(odd, fixtureTypes).get("add");
    expect(view?.left.find((pin) => pin.handle === "input-zz")).toMatchObject({ special: "unknown", connected: true });
  });

  it("a sequence shows one pin more than are wired", () => {
    const sequence = add(two, "control_sequence");
    const wire = { source: "sequence", sourceHandle: "exec-then_1", target: "add", targetHandle: "exec-in" };
    const view = nodeViews()(connect(sequence, wire), fixtureTypes).get("sequence");
    expect(view?.right.map((pin) => pin.name)).toEqual(["then_0", "then_1", "then_2"]);
  });

  it("know where every pin lies, and all lie on the node's edge", () => {
    for (const view of nodeViews()(wired, fixtureTypes).values()) {
      const { width, height, pins } = geometryOf(view);
      expect(pins.size).toBe(view.left.length + view.right.length + view.failure.length);
      for (const { x, y } of pins.values()) {
        expect(x === 0 || x === width || y === height).toBe(true);
        expect(y).toBeLessThanOrEqual(height);
      }
    }
  });
});

describe("edits", () => {
  it("new nodes get ids that are free", () => {
    expect(add(two, "math_add").nodes.map((node) => node.id)).toEqual(["start", "add", "add_2"]);
  });

  it("removing a node takes its wires along", () => {
    expect(removeElements(wired, new Set(["start"]), new Set()).edges).toEqual([]);
  });

  it("renaming a node keeps its wires", () => {
    expect(renameNode(wired, "add", "plus").edges[0]).toMatchObject({ source: "start", target: "plus" });
  });

  it("that change nothing give the same document", () => {
    expect(removeElements(wired, new Set(["nobody"]), new Set())).toBe(wired);
    expect(moveNodes(wired, new Map([["add", { x: 0, y: 0 }]]))).toBe(wired);
    expect(updateNode(wired, "add", (node) => setConstant(node, "x", undefined))).toBe(wired);
  });

  it("a constant that is null is a constant", () => {
    const after = updateNode(wired, "add", (node) => setConstant(node, "y", null));
    expect(after.nodes[1]?.constants).toEqual({ y: null });
  });
});
