import { expect, it } from "vitest";
import { type FlowBuilder, fixtureTypes, flowBuilder } from "./testing.ts";
import { validateFlow } from "./validator.ts";

type Given = (flow: FlowBuilder) => FlowBuilder;

const base = () => flowBuilder().node("start", "start").node("ret", "return");
const codesOf = (given: Given) => validateFlow(given(base()).build(), fixtureTypes).errors.map((issue) => issue.code);

const loop: Given = (f) =>
  f
    .node("l", "control_for_each", { constants: { list: [1] } })
    .node("b", "base_debug")
    .exec("start", "l")
    .exec("l.body", "b");
const closed: Given = (f) => loop(f).exec("l.completed", "ret");
const nested: Given = (f) =>
  closed(f)
    .node("m", "control_for_each", { constants: { list: [1] } })
    .node("c", "base_debug")
    .exec("b", "m")
    .exec("m.body", "c");

const cases: [string, Given, string[]][] = [
  [
    "a loop whose body feeds its collect",
    (f) => closed(f).data("l.item", "b.value").data("b.value", "l.collect").data("l.results", "ret.x"),
    [],
  ],
  [
    "an item collected through a pure node",
    (f) =>
      closed(f)
        .node("p", "data_dict_get", { constants: { key: "k" } })
        .data("l.item", "p.dict")
        .data("p.value", "l.collect"),
    [],
  ],
  ["a body that reads what is around it", (f) => closed(f).data("start.x", "b.value"), []],
  [
    "an inner body that reads both items",
    (f) => nested(f).node("p", "math_add").data("l.index", "p.x").data("m.index", "p.y").data("p.result", "c.value"),
    [],
  ],
  ["a RETURN out of the body", (f) => closed(f).exec("b", "ret").data("b.value", "ret.x"), []],
  [
    "an edge into the body from outside",
    (f) => closed(f).node("o", "base_debug").exec("start", "o").exec("o", "b"),
    ["LOOP_BODY"],
  ],
  [
    "an edge out of the body",
    (f) => loop(f).node("after", "base_debug").exec("l.completed", "after").exec("b", "after").exec("after", "ret"),
    ["LOOP_BODY"],
  ],
  ["one node on body and completed", (f) => loop(f).exec("l.completed", "b").exec("b", "ret"), ["LOOP_BODY"]],
  [
    "what follows a node of both is not reported too",
    (f) =>
      loop(f)
        .node("x", "base_debug")
        .node("y", "base_debug")
        .exec("l.completed", "x")
        .exec("b", "x")
        .exec("x", "y")
        .exec("y", "ret")
        .data("l.item", "y.value")
        .data("b.value", "ret.x"),
    ["LOOP_BODY"],
  ],
  [
    "an edge from an inner to the outer body",
    (f) => nested(f).node("d", "base_debug").exec("m.completed", "d").exec("c", "d"),
    ["LOOP_BODY"],
  ],
  [
    "a value of the body read outside",
    (f) =>
      loop(f)
        .node("after", "base_debug")
        .exec("l.completed", "after")
        .exec("after", "ret")
        .data("b.value", "after.value"),
    ["LOOP_BODY"],
  ],
  [
    "a value of the body read outside through a pure node",
    (f) =>
      loop(f)
        .node("p", "string_upper")
        .node("after", "base_debug")
        .exec("l.completed", "after")
        .exec("after", "ret")
        .data("b.value", "p.text")
        .data("p.result", "after.value"),
    ["LOOP_BODY"],
  ],
  [
    "an inner value read in the outer body",
    (f) => nested(f).node("d", "base_debug").exec("m.completed", "d").data("c.value", "d.value"),
    ["LOOP_BODY"],
  ],
  [
    "an item read outside",
    (f) =>
      loop(f)
        .node("after", "base_debug")
        .exec("l.completed", "after")
        .exec("after", "ret")
        .data("l.item", "after.value"),
    ["LOOP_BODY"],
  ],
  ["results read in the body", (f) => closed(f).data("l.results", "b.value"), ["LOOP_BODY"]],
  ["results read in an inner body", (f) => nested(f).data("l.count", "c.value"), ["LOOP_BODY"]],
  [
    "results of an inner loop read in the outer body",
    (f) => nested(f).node("d", "base_debug").exec("m.completed", "d").data("m.results", "d.value"),
    [],
  ],
  [
    "a while condition out of its own body",
    (f) =>
      f
        .node("w", "control_while")
        .node("p", "logic_compare", { config: { operator: "<" }, constants: { b: 1 } })
        .node("b", "base_debug")
        .exec("start", "w")
        .exec("w.body", "b")
        .exec("w.completed", "ret")
        .data("b.value", "p.a")
        .data("p.result", "w.condition"),
    ["LOOP_BODY"],
  ],
  [
    "break and continue in a body",
    (f) => nested(f).node("x", "control_break").node("y", "control_continue").exec("b", "x").exec("c", "y"),
    [],
  ],
  ["break outside of a loop", (f) => closed(f).node("x", "control_break").exec("start", "x"), ["LOOP_BODY"]],
  [
    "continue after a loop",
    (f) => loop(f).node("x", "control_continue").exec("l.completed", "x", "ret"),
    ["LOOP_BODY"],
  ],
];

it.each(cases)("%s", (_, given, errors) => {
  expect(codesOf(given)).toEqual(errors);
});
