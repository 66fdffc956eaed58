import { expect, it } from "vitest";
import { type FlowBuilder, fixtureTypes, flowBuilder } from "./testing.ts";
import { validateFlow } from "./validator.ts";

type Given = (flow: FlowBuilder) => FlowBuilder;

const base = () => flowBuilder().node("start", "start").node("ret", "return");
const codesOf = (given: Given) => validateFlow(given(base()).build(), fixtureTypes).errors.map((issue) => issue.code);

const cases: [string, Given, string[]][] = [
  [
    "a node that leads to itself",
    (f) => f.node("a", "base_debug").chain("start", "a", "ret").exec("a", "a"),
    ["EXEC_CYCLE"],
  ],
  [
    "two cycles are two issues",
    (f) =>
      f.node("a", "base_debug").node("b", "base_debug").chain("start", "a", "b", "ret").exec("a", "a").exec("b", "b"),
    ["EXEC_CYCLE", "EXEC_CYCLE"],
  ],
  [
    "a cycle that nothing leads to",
    (f) => f.node("a", "base_debug").node("b", "base_debug").exec("start", "ret").chain("a", "b", "a"),
    ["EXEC_CYCLE"],
  ],
  [
    "a cycle with data on it",
    (f) =>
      f
        .node("a", "base_debug")
        .node("b", "base_debug")
        .chain("start", "a", "b", "a")
        .exec("b", "ret")
        .data("a.value", "b.value")
        .data("b.value", "a.value"),
    ["EXEC_CYCLE"],
  ],
  [
    "a body that leads back to its loop",
    (f) =>
      f
        .node("l", "control_repeat", { constants: { times: 1 } })
        .node("a", "base_debug")
        .exec("start", "l")
        .exec("l.body", "a")
        .exec("a", "l")
        .exec("l.completed", "ret")
        .data("l.index", "a.value"),
    ["EXEC_CYCLE"],
  ],
];

it.each(cases)("%s", (_, given, errors) => {
  expect(codesOf(given)).toEqual(errors);
});
