import { describe, expect, it } from "vitest";
import { fixtureTypes, nodeTypeFixture } from "../../../flow/testing.ts";
import { checkWire } from "./connection-rules.ts";
import { connect, reconnect } from "./edit-edges.ts";
import type { DocNode, FlowDocument } from "./flow-document.ts";
import { NEW_INPUT, NEW_OUTPUT, namePins } from "./named-pins.ts";
import { nodeViews } from "./node-view.ts";

const types = new Map([
  ...fixtureTypes,
  ["text_upper", nodeTypeFixture("text_upper", { inputs: { text: "str" }, outputs: { text: "str" } })],
  ["text_length", nodeTypeFixture("text_length", { inputs: { text: "str" }, outputs: { length: "int" } })],
]);

const node = (id: string, type: string, config = {}): DocNode => ({
  id,
  type,
  position: { x: 0, y: 0 },
  config,
  constants: {},
});

function flowOf(nodes: readonly DocNode[], ...wires: readonly string[]): FlowDocument {
  return wires.map(wireOf).reduce(connect, { name: "f", variables: {}, nodes, edges: [] });
}

/** `a exec-out > b exec-in`. */
function wireOf(text: string) {
  const [source = "", sourceHandle = "", target = "", targetHandle = ""] = text.replace(" >", "").split(" ");
  return { source, sourceHandle, target, targetHandle };
}

function check(document: FlowDocument, wire: string) {
  return checkWire(document, nodeViews()(document, types), types, wireOf(wire));
}

const three = [node("s", "start"), node("up", "text_upper"), node("len", "text_length"), node("add", "math_add")];

describe("a wire", () => {
  const table: [wire: string, reason: RegExp | undefined][] = [
    ["s exec-out > up exec-in", undefined],
    ["up output-text > len input-text", undefined],
    ["len output-length > add input-x", undefined],
    ["add output-result > up input-text", /"result" is float, "text" takes str: put To str in between/],
    ["s exec-out > up input-text", /takes data/],
    ["up output-text > len exec-in", /takes exec/],
    ["up output-text > up input-text", /to itself/],
    ["up output-nothing > len input-text", /from an output to an input/],
  ];
  it.each(table)("%s: refused because of %s", (wire, reason) => {
    const verdict = check(flowOf(three), wire);
    if (reason === undefined) expect(verdict).toEqual({ allowed: true });
    else expect(verdict).toMatchObject({ allowed: false, reason: expect.stringMatching(reason) });
  });

  it("that would close a circle of exec is refused, and the way out is named", () => {
    const document = flowOf(three, "s exec-out > up exec-in", "up exec-out > len exec-in");
    expect(check(document, "len exec-out > up exec-in")).toMatchObject({
      allowed: false,
      reason: expect.stringContaining("loop"),
    });
  });

  it("that would make two nodes wait for each other's values is refused", () => {
    const document = flowOf([node("a", "math_add"), node("b", "math_add")], "a output-result > b input-x");
    expect(check(document, "b output-result > a input-x")).toMatchObject({
      allowed: false,
      reason: expect.stringContaining("wait for each other"),
    });
  });

  it("from a loop's body back to its collect input is no circle", () => {
    const document = flowOf(
      [node("s", "start"), node("each", "control_for_each"), node("up", "text_upper")],
      "s exec-out > each exec-in",
      "each exec-body > up exec-in",
      "each output-item > up input-text",
    );
    expect(check(document, "up output-text > each input-collect")).toEqual({ allowed: true });
  });

  it("that is there already is refused", () => {
    const wire = "s exec-out > up exec-in";
    expect(check(flowOf(three, wire), wire)).toMatchObject({ allowed: false });
  });
});

describe("edges", () => {
  it("a data input keeps one: the new wire takes the old one's place", () => {
    const document = flowOf(three, "up output-text > len input-text", "s output-a > len input-text");
    expect(document.edges.map((edge) => edge.source)).toEqual(["s"]);
  });

  it("exec pins keep many on both ends", () => {
    const document = flowOf(three, "s exec-out > up exec-in", "s exec-out > len exec-in", "up exec-out > len exec-in");
    expect(document.edges).toHaveLength(3);
  });

  it("moving an end keeps the edge's id, and takes the place of what was there", () => {
    const document = flowOf(three, "up output-text > len input-text", "len output-length > add input-x");
    const [first, second] = document.edges;
    const after = reconnect(document, second?.id ?? "", wireOf("len output-length > add input-y"));
    expect(after.edges[1]).toMatchObject({ id: second?.id, targetHandle: "input-y" });
    expect(after.edges[0]).toBe(first);
    const replaced = reconnect(after, second?.id ?? "", wireOf("s output-a > len input-text"));
    expect(replaced.edges.map((edge) => edge.id)).toEqual([second?.id]);
  });
});

describe("the pin that stands for another one", () => {
  it("of RETURN takes the name of what is wired to it, made free", () => {
    const nodes = [...three, node("r", "return")];
    const document = flowOf(nodes, "up output-text > r input-text");
    const views = nodeViews()(document, types);
    const named = namePins(document, views, {
      source: "len",
      sourceHandle: "output-length",
      target: "r",
      targetHandle: NEW_INPUT,
    });
    expect(named.wire.targetHandle).toBe("input-length");
    const again = namePins(document, views, { ...wireOf("up output-text > r x"), targetHandle: NEW_INPUT });
    expect(again.wire.targetHandle).toBe("input-text_2");
  });

  it("of START declares an input of the type that is wanted, beside those that are in use", () => {
    const document = flowOf(three, "s output-n > add input-y");
    const views = nodeViews()(document, types);
    const named = namePins(document, views, { ...wireOf("s x > up input-text"), sourceHandle: NEW_OUTPUT });
    expect(named.wire.sourceHandle).toBe("output-text");
    expect(named.document.nodes[0]?.config).toEqual({
      api_schema: { n: { type: "any", required: true }, text: { type: "str", required: true } },
    });
  });
});
