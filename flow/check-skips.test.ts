import { describe, expect, it } from "vitest";
import { type FlowBuilder, fixtureTypes, flowBuilder } from "./testing.ts";
import { validateFlow } from "./validator.ts";

type Given = (flow: FlowBuilder) => FlowBuilder;
const yes = { constants: { condition: true } };
const sum = { constants: { y: 1 } };
const text = { constants: { text: "a" } };

/** Edge ids of the warnings, in order. */
function skipped(given: Given): (string | undefined)[] {
  const base = flowBuilder().node("start", "start").node("ret", "return");
  const { errors, warnings } = validateFlow(given(base).build(), fixtureTypes);
  expect(errors).toEqual([]);
  expect(new Set(warnings.map((issue) => issue.code)).size).toBeLessThanOrEqual(1);
  return warnings.map((issue) => issue.edge_id);
}

/** start → branch → (true: t, false: f) → join */
const diamond: Given = (f) =>
  f
    .node("br", "logic_branch", yes)
    .node("t", "string_upper", text)
    .node("f", "string_upper", text)
    .node("j", "string_upper")
    .exec("start", "br")
    .exec("br.true", "t")
    .exec("br.false", "f")
    .exec("t", "j")
    .exec("f", "j")
    .exec("j", "ret");

describe("it warns of", () => {
  const cases: [string, Given, string[]][] = [
    ["a source on one branch only", (f) => diamond(f).data("t.result", "j.text"), ["e6"]],
    [
      "a source on the other branch",
      (f) =>
        f
          .node("br", "logic_branch", yes)
          .node("t", "string_upper", text)
          .node("f", "string_upper")
          .exec("start", "br")
          .exec("br.true", "t")
          .exec("br.false", "f")
          .exec("f", "ret")
          .data("t.result", "f.text"),
      ["e4"],
    ],
    [
      "a source on one branch, read through a pure node",
      (f) => diamond(f).node("p", "string_upper").data("t.result", "p.text").data("p.result", "j.text"),
      ["e6"],
    ],
    [
      "the result of a node on its error path",
      (f) =>
        f
          .node("a", "math_add", { constants: { x: 1, y: 1 } })
          .node("b", "math_add", sum)
          .chain("start", "a", "ret")
          .exec("a.error", "b")
          .data("a.result", "b.x"),
      ["e3"],
    ],
    [
      "the error of a node where it went well",
      (f) =>
        f
          .node("a", "math_add", { constants: { x: 1, y: 1 } })
          .node("b", "variables_set", { config: { variable_name: "v" } })
          .chain("start", "a", "b", "ret")
          .exec("a.error", "ret")
          .data("a.error", "b.value"),
      ["e4"],
    ],
    [
      "a source behind a switch that may choose a pin without an edge",
      (f) =>
        f
          .node("s", "logic_switch", { config: { cases: [1] }, constants: { value: 1 } })
          .node("t", "string_upper", text)
          .node("c", "string_upper")
          .exec("start", "s", "c")
          .exec("s.case_0", "t")
          .exec("c", "ret")
          .data("t.result", "c.text"),
      ["e4"],
    ],
    [
      "one source twice, once for each edge",
      (f) => diamond(f).node("k", "string_upper").exec("j", "k").data("t.result", "j.text").data("t.result", "k.text"),
      ["e7", "e8"],
    ],
  ];

  it.each(cases)("%s", (_, given, edges) => {
    expect(skipped(given)).toEqual(edges);
  });

  it("nothing but with the node, the input and both names", () => {
    const base = flowBuilder().node("start", "start").node("ret", "return");
    const { warnings } = validateFlow(diamond(base).data("t.result", "j.text").build(), fixtureTypes);
    expect(warnings).toMatchObject([{ code: "MAY_BE_SKIPPED", node_id: "j", path: "inputs.text" }]);
    expect(warnings[0]?.message).toMatch(/"text" of node "j" reads "result" of "t"/);
  });
});

describe("it does not warn of", () => {
  const loop: Given = (f) =>
    f
      .node("l", "control_for_each", { constants: { list: [] } })
      .node("b", "string_upper")
      .exec("start", "l")
      .exec("l.body", "b")
      .exec("l.completed", "ret");
  const cases: [string, Given][] = [
    [
      "a source that runs before",
      (f) =>
        f
          .node("a", "math_add", { constants: { x: 1, y: 1 } })
          .node("b", "math_add", sum)
          .chain("start", "a", "b", "ret")
          .data("a.result", "b.x"),
    ],
    ["a source before the branch", (f) => diamond(f).data("start.x", "j.text")],
    [
      "an input with a constant for that case",
      (f) =>
        diamond(f).node("k", "string_upper", text).exec("j", "k").data("start.x", "j.text").data("t.result", "k.text"),
    ],
    [
      "an input that is not required",
      (f) => diamond(f).node("d", "base_debug").exec("j", "d").data("start.x", "j.text").data("t.result", "d.value"),
    ],
    ["a RETURN", (f) => diamond(f).data("start.x", "j.text").data("t.result", "ret.x")],
    [
      "a parallel source that always runs",
      (f) =>
        f
          .node("a", "math_add", { constants: { x: 1, y: 1 } })
          .node("b", "math_add", sum)
          .exec("start", "a", "b")
          .exec("a", "ret")
          .exec("b", "ret")
          .data("a.result", "b.x"),
    ],
    [
      "a parallel source behind a branch that joins",
      (f) =>
        diamond(f)
          .node("c", "string_upper")
          .exec("start", "c")
          .exec("c", "ret")
          .data("start.x", "j.text")
          .data("j.result", "c.text"),
    ],
    [
      "another pin of a sequence",
      (f) =>
        f
          .node("s", "control_sequence")
          .node("a", "math_add", { constants: { x: 1, y: 1 } })
          .node("b", "math_add", sum)
          .exec("start", "s")
          .exec("s.then_0", "a")
          .exec("s.then_1", "b")
          .exec("b", "ret")
          .data("a.result", "b.x"),
    ],
    ["an item in the body", (f) => loop(f).data("l.item", "b.text")],
    ["a value from around the loop in its body", (f) => loop(f).data("start.x", "b.text")],
    [
      "the results after the loop",
      (f) =>
        loop(f)
          .node("s", "data_list_sum")
          .exec("l.completed", "s")
          .exec("s", "ret")
          .data("l.results", "s.list")
          .data("start.x", "b.text"),
    ],
    [
      "the error on the error path",
      (f) =>
        f
          .node("a", "math_add", { constants: { x: 1, y: 1 } })
          .node("b", "variables_set", { config: { variable_name: "v" } })
          .chain("start", "a", "ret")
          .exec("a.error", "b")
          .exec("b", "ret")
          .data("a.error", "b.value"),
    ],
  ];

  it.each(cases)("%s", (_, given) => {
    expect(skipped(given)).toEqual([]);
  });
});
