import { expect, it } from "vitest";
import { type FlowBuilder, fixtureTypes, flowBuilder } from "./testing.ts";
import { validateFlow } from "./validator.ts";

type Given = (flow: FlowBuilder) => FlowBuilder;

const sum = { constants: { x: 1, y: 1 } };
const base = () => flowBuilder().node("start", "start").node("ret", "return");
const codesOf = (given: Given) => validateFlow(given(base()).build(), fixtureTypes).errors.map((issue) => issue.code);

const loop: Given = (f) =>
  f
    .node("l", "control_for_each", { constants: { list: [1] } })
    .node("b", "base_debug")
    .exec("start", "l")
    .exec("l.body", "b");
const cases: [string, Given, string[]][] = [
  [
    "a node that reads itself",
    (f) => f.node("a", "base_debug").chain("start", "a", "ret").data("a.value", "a.value"),
    ["DATA_CYCLE"],
  ],
  [
    "pure nodes that read each other",
    (f) =>
      f
        .node("a", "math_add", sum)
        .node("b", "math_add", sum)
        .exec("start", "ret")
        .data("a.result", "b.x")
        .data("b.result", "a.x")
        .data("a.result", "ret.x"),
    ["DATA_CYCLE"],
  ],
  [
    "a value of a node that runs later",
    (f) => f.node("a", "base_debug").node("b", "base_debug").chain("start", "a", "b", "ret").data("b.value", "a.value"),
    ["DATA_CYCLE"],
  ],
  [
    "a value of a node that runs later, through a pure one",
    (f) =>
      f
        .node("a", "base_debug")
        .node("b", "base_debug")
        .node("p", "string_upper")
        .chain("start", "a", "b", "ret")
        .data("b.value", "p.text")
        .data("p.result", "a.value"),
    ["DATA_CYCLE"],
  ],
  [
    "one pure node read before and after what it reads",
    (f) =>
      f
        .node("a", "base_debug")
        .node("b", "base_debug")
        .node("p", "string_upper")
        .chain("start", "a", "b", "ret")
        .data("b.value", "p.text")
        .data("p.result", "a.value")
        .data("p.result", "ret.x"),
    ["DATA_CYCLE"],
  ],
  [
    "parallel nodes that read each other",
    (f) =>
      f
        .node("a", "base_debug")
        .node("b", "base_debug")
        .exec("start", "a", "b")
        .exec("a", "ret")
        .exec("b", "ret")
        .data("a.value", "b.value")
        .data("b.value", "a.value"),
    ["DATA_CYCLE"],
  ],
  [
    "one of two parallel nodes reads the other",
    (f) =>
      f
        .node("a", "base_debug")
        .node("b", "base_debug")
        .exec("start", "a", "b")
        .exec("a", "ret")
        .exec("b", "ret")
        .data("a.value", "b.value"),
    [],
  ],
  [
    "an earlier pin of a sequence waits for a later one",
    (f) =>
      f
        .node("s", "control_sequence")
        .node("a", "base_debug")
        .node("b", "base_debug")
        .exec("start", "s")
        .exec("s.then_0", "a")
        .exec("s.then_1", "b")
        .exec("b", "ret")
        .data("b.value", "a.value"),
    ["DATA_CYCLE"],
  ],
  [
    "a later pin of a sequence reads an earlier one",
    (f) =>
      f
        .node("s", "control_sequence")
        .node("a", "base_debug")
        .node("b", "base_debug")
        .exec("start", "s")
        .exec("s.then_0", "a")
        .exec("s.then_1", "b")
        .exec("b", "ret")
        .data("a.value", "b.value"),
    [],
  ],
  [
    "the far end of an earlier pin waits for a later one",
    (f) =>
      f
        .node("s", "control_sequence")
        .node("a", "base_debug")
        .node("a2", "base_debug")
        .node("b", "base_debug")
        .exec("start", "s")
        .exec("s.then_0", "a")
        .exec("a", "a2")
        .exec("s.then_2", "b")
        .exec("b", "ret")
        .data("b.value", "a2.value"),
    ["DATA_CYCLE"],
  ],
  [
    "a join of both pins is not waited for",
    (f) =>
      f
        .node("s", "control_sequence")
        .node("a", "base_debug")
        .node("b", "base_debug")
        .node("j", "base_debug")
        .exec("start", "s")
        .exec("s.then_0", "a")
        .exec("s.then_1", "b")
        .exec("a", "j")
        .exec("b", "j")
        .exec("j", "ret")
        .data("b.value", "j.value"),
    [],
  ],
  [
    "what comes after a loop feeds its body",
    (f) =>
      loop(f)
        .node("after", "base_debug")
        .exec("l.completed", "after")
        .exec("after", "ret")
        .data("after.value", "b.value"),
    ["DATA_CYCLE"],
  ],
  [
    "what comes after a loop feeds its collect",
    (f) =>
      loop(f)
        .node("after", "base_debug")
        .exec("l.completed", "after")
        .exec("after", "ret")
        .data("after.value", "l.collect"),
    ["DATA_CYCLE"],
  ],
];

it.each(cases)("%s", (_, given, errors) => {
  expect(codesOf(given)).toEqual(errors);
});
