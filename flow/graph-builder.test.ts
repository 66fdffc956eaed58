import { describe, expect, it } from "vitest";
import { ROOT_REGION } from "./graph.ts";
import { buildGraph, usedTypes } from "./graph-builder.ts";
import { type FlowBuilder, fixtureTypes, flowBuilder } from "./testing.ts";

const base = () => flowBuilder().node("start", "start").node("ret", "return");
const build = (flow: FlowBuilder) => buildGraph(flow.build(), fixtureTypes);
const times = { constants: { times: 2 } };
const nodeOf = (flow: FlowBuilder, id: string) => {
  const node = build(flow).nodes.get(id);
  if (node === undefined) throw new Error(`no node ${id}`);
  return node;
};
const regionsOf = (flow: FlowBuilder) =>
  [...build(flow).regions.values()].map(({ id, parent, nodes }) => [id, parent, nodes]);

describe("a node", () => {
  const flow = () =>
    base()
      .node("a", "math_add", { label: "Add", constants: { y: 1 }, policy: { on_error: "continue" } })
      .chain("start", "a", "ret")
      .data("start.x", "a.x")
      .data("a.result", "ret.sum");

  it("has its inputs with source, literal and default", () => {
    const round = flow().node("r", "math_round").exec("a", "r").exec("r", "ret").data("a.result", "r.x");
    expect(nodeOf(flow(), "a").inputs).toEqual([
      {
        pin: "x",
        type: { type: "float" },
        required: true,
        source: { id: "e2", source: "start", sourcePin: "x", target: "a", targetPin: "x" },
        literal: undefined,
        fallback: undefined,
      },
      {
        pin: "y",
        type: { type: "float" },
        required: true,
        source: undefined,
        literal: { value: 1 },
        fallback: undefined,
      },
    ]);
    expect(nodeOf(round, "r").inputs[1]).toMatchObject({ pin: "digits", required: false, fallback: { value: 0 } });
  });

  it("with open inputs has those that are connected and those with a literal", () => {
    const ret = base()
      .node("r", "return", { constants: { b: null } })
      .exec("start", "ret", "r")
      .data("start.x", "r.a");
    expect(nodeOf(ret, "r").inputs.map(({ pin, literal }) => [pin, literal])).toEqual([
      ["a", undefined],
      ["b", { value: null }],
    ]);
  });

  it("has every exec pin, connected or not", () => {
    const { execOut, execIn } = nodeOf(flow(), "a");
    expect([...execOut].map(([pin, edges]) => [pin, edges.map((edge) => edge.target)])).toEqual([
      ["finish", ["ret"]],
      ["error", []],
    ]);
    expect(execIn.map((edge) => edge.source)).toEqual(["start"]);
    expect([...nodeOf(flow(), "ret").execOut]).toEqual([]);
  });

  it("keeps label, policy and kind; without a label its id is the label", () => {
    expect(nodeOf(flow(), "a")).toMatchObject({
      label: "Add",
      kind: "actor",
      policy: { on_error: "continue" },
      pure: false,
    });
    expect(nodeOf(flow(), "ret")).toMatchObject({ label: "ret", kind: "return", policy: undefined });
  });

  it("without exec edges is pure and lies in no region", () => {
    const pure = base()
      .node("p", "math_add", { constants: { y: 1 } })
      .exec("start", "ret")
      .data("start.x", "p.x")
      .data("p.result", "ret.x");
    expect(nodeOf(pure, "p")).toMatchObject({ pure: true, regions: [], dataSources: [] });
    expect(build(pure).regions.get(ROOT_REGION)?.nodes).toEqual(["start", "ret"]);
    expect(nodeOf(pure, "ret").dataSources).toEqual(["start"]);
  });
});

describe("regions", () => {
  const nested = () =>
    base()
      .node("outer", "control_repeat", times)
      .node("inner", "control_for_each", { constants: { list: [] } })
      .node("a", "base_debug")
      .node("b", "base_debug")
      .node("c", "base_debug")
      .exec("start", "outer")
      .exec("outer.body", "a")
      .exec("a", "inner")
      .exec("inner.body", "b")
      .exec("inner.completed", "c")
      .exec("outer.completed", "ret");

  it("nest as the loops do", () => {
    expect(regionsOf(nested())).toEqual([
      ["", undefined, ["start", "outer", "ret"]],
      ["outer", "", ["a", "inner", "c"]],
      ["inner", "outer", ["b"]],
    ]);
  });

  it("a RETURN is activated in each region that leads to it, and counts the edges of that region only", () => {
    const flow = nested().exec("b", "ret").exec("c", "ret").exec("c.error", "ret");
    const ret = nodeOf(flow, "ret");
    expect([...ret.regions].sort()).toEqual(["", "inner", "outer"]);
    expect(Object.fromEntries(ret.execInByRegion)).toEqual({ "": 1, outer: 2, inner: 1 });
    expect(regionsOf(flow).map(([, , nodes]) => nodes)).toEqual([
      ["start", "outer", "ret"],
      ["a", "inner", "c", "ret"],
      ["b", "ret"],
    ]);
  });

  it("a loop's body edge resolves in the body, its other edges where the loop lies", () => {
    const flow = base()
      .node("l", "control_repeat", times)
      .exec("start", "l")
      .exec("l.body", "ret")
      .exec("l.completed", "ret")
      .exec("l.error", "ret");
    expect(Object.fromEntries(nodeOf(flow, "ret").execInByRegion)).toEqual({ l: 1, "": 2 });
  });

  it("list their nodes in the order that data asks for too", () => {
    const flow = base()
      .node("a", "base_debug")
      .node("b", "base_debug")
      .exec("start", "a", "b")
      .exec("a", "ret")
      .exec("b", "ret")
      .data("b.value", "a.value");
    expect(build(flow).regions.get(ROOT_REGION)?.nodes).toEqual(["start", "b", "a", "ret"]);
  });

  it("a loop without a body has an empty one", () => {
    const flow = base().node("l", "control_repeat", times).exec("start", "l").exec("l.completed", "ret");
    expect(build(flow).regions.get("l")).toEqual({ id: "l", parent: "", nodes: [] });
  });
});

describe("data sources", () => {
  const loop = () =>
    base()
      .node("l", "control_while")
      .node("n", "logic_compare", { config: { operator: "<" }, constants: { b: 3 } })
      .node("b", "base_debug")
      .node("p", "string_upper")
      .exec("start", "l")
      .exec("l.body", "b")
      .exec("l.completed", "ret")
      .data("start.x", "n.a")
      .data("n.result", "l.condition")
      .data("b.value", "p.text")
      .data("p.result", "ret.x")
      .data("start.y", "ret.y");

  it("are found through pure nodes, each once", () => {
    expect(nodeOf(loop(), "l").dataSources).toEqual(["start"]);
    expect(nodeOf(loop(), "ret").dataSources).toEqual(["b", "start"]);
  });

  it("leave out what feeds collect, and the loop whose item the body reads", () => {
    const flow = base()
      .node("l", "control_for_each")
      .node("b", "math_add", { constants: { y: 1 } })
      .node("s", "data_list_sum")
      .exec("start", "l")
      .exec("l.body", "b")
      .exec("l.completed", "s")
      .exec("s", "ret")
      .data("start.list", "l.list")
      .data("l.index", "b.x")
      .data("b.result", "l.collect")
      .data("l.results", "s.list");
    expect(nodeOf(flow, "l").dataSources).toEqual(["start"]);
    expect(nodeOf(flow, "b").dataSources).toEqual([]);
    expect(nodeOf(flow, "s").dataSources).toEqual(["l"]);
  });
});

describe("the gates of a sequence", () => {
  const gatesOf = (flow: FlowBuilder) =>
    Object.fromEntries([...(build(flow).sequenceGates.get("s") ?? [])].map(([pin, nodes]) => [pin, nodes]));
  const sequence = () => base().node("s", "control_sequence").exec("start", "s");

  it("are all that only the earlier pins reach", () => {
    const flow = sequence()
      .node("a", "base_debug")
      .node("a2", "base_debug")
      .node("b", "base_debug")
      .node("j", "base_debug")
      .exec("s.then_0", "a")
      .exec("a", "a2")
      .exec("s.then_1", "b")
      .exec("a2", "j")
      .exec("b", "j")
      .exec("s.then_10", "ret");
    expect(gatesOf(flow)).toEqual({ then_1: ["a", "a2"], then_10: ["a", "a2", "b", "j"] });
  });

  it("count a loop for its body", () => {
    const flow = sequence()
      .node("l", "control_repeat", times)
      .node("b", "base_debug")
      .node("c", "base_debug")
      .exec("s.then_0", "l")
      .exec("l.body", "b")
      .exec("l.completed", "c")
      .exec("s.then_1", "ret");
    expect(gatesOf(flow)).toEqual({ then_1: ["l", "c"] });
  });

  it("are none with a single pin", () => {
    expect(gatesOf(sequence().exec("s.then_3", "ret"))).toEqual({});
  });
});

describe("a flow that cannot run", () => {
  it.each([
    ["has no START", flowBuilder().node("ret", "return"), /no START/],
    ["has two", base().node("s", "start").exec("start", "ret").exec("s", "ret"), /2 START/],
    ["uses an unknown type", base().node("a", "math_ad").chain("start", "a", "ret"), /math_ad/],
    ["has an edge into nowhere", base().exec("start", "ret", "ghost"), /ghost/],
    ["has an edge from an unknown exec pin", base().exec("start", "ret").exec("start.x", "ret"), /"x"/],
    ["has a cycle", base().node("a", "base_debug").chain("start", "a", "a", "ret"), /circle/],
    ["has a node that nothing leads to", base().node("a", "base_debug").exec("start", "ret"), /"a" never runs/],
    ["has a RETURN that nothing leads to", base(), /"ret" never runs/],
    [
      "leaves a loop",
      base()
        .node("l", "control_repeat", times)
        .node("a", "base_debug")
        .exec("start", "l", "a")
        .exec("l.body", "a")
        .exec("a", "ret"),
      /body of loop "l"/,
    ],
    [
      "waits for itself",
      base().node("a", "base_debug").chain("start", "a", "ret").data("a.value", "a.value"),
      /wait for each other/,
    ],
  ])("because it %s, is a GraphBuildError", (_, flow, message) => {
    expect(() => build(flow)).toThrow(message);
    expect(() => build(flow)).toThrow(expect.objectContaining({ code: "GraphBuildError" }));
  });

  it("a missing input is left to the run", () => {
    expect(build(base().node("a", "math_add").chain("start", "a", "ret")).nodes.size).toBe(3);
  });

  it("a flow without RETURN is left to the run", () => {
    expect(build(flowBuilder().node("start", "start")).start).toBe("start");
  });
});

it("usedTypes names each type once, in the order of the nodes", () => {
  const flow = base().node("a", "math_add").node("b", "math_add").node("c", "no_such").build();
  expect(usedTypes(flow, fixtureTypes).map((type) => type.type)).toEqual(["start", "return", "math_add"]);
});

describe("10,000 nodes", () => {
  it("in a chain are built without a deep stack", () => {
    const flow = base();
    let last = "start";
    for (let i = 0; i < 9998; i++) {
      flow.node(`n${i}`, "base_debug").exec(last, `n${i}`).data(`${last}.value`, `n${i}.value`);
      last = `n${i}`;
    }
    const graph = build(flow.exec(last, "ret"));
    expect(graph.regions.get(ROOT_REGION)?.nodes).toHaveLength(10_000);
  });

  it("as loops within loops are built without a deep stack", () => {
    const flow = base().exec("start", "ret");
    let last = "start";
    for (let i = 0; i < 9998; i++) {
      flow.node(`n${i}`, "control_repeat", times).exec(last, `n${i}`);
      last = `n${i}.body`;
    }
    expect(build(flow).regions.size).toBe(9999);
  });
});
