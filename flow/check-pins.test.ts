import { expect, it } from "vitest";
import { type FlowBuilder, fixtureTypes, flowBuilder } from "./testing.ts";
import { validateFlow } from "./validator.ts";

type Given = (flow: FlowBuilder) => FlowBuilder;

const sum = { constants: { x: 1, y: 1 } };
const yes = { constants: { condition: true } };
const base = () => flowBuilder().node("start", "start").node("ret", "return");
const codesOf = (given: Given) => validateFlow(given(base()).build(), fixtureTypes).errors.map((issue) => issue.code);

const cases: [string, Given, string[]][] = [
  ["an unknown exec output", (f) => f.exec("start", "ret").exec("start.done", "ret"), ["UNKNOWN_PIN"]],
  ["an unknown exec input", (f) => f.exec("start", "ret.run"), ["UNKNOWN_PIN"]],
  [
    "an exec edge into START",
    (f) => f.node("a", "base_debug").exec("start", "a", "ret").exec("a", "start"),
    ["UNKNOWN_PIN", "EXEC_CYCLE"],
  ],
  [
    "an unknown output",
    (f) => f.node("a", "math_add", sum).chain("start", "a", "ret").data("a.sum", "ret.x"),
    ["UNKNOWN_PIN"],
  ],
  [
    "an unknown input",
    (f) => f.node("a", "math_add", sum).chain("start", "a", "ret").data("start.x", "a.z"),
    ["UNKNOWN_PIN"],
  ],
  [
    "an input that START does not declare",
    (f) =>
      f
        .node("s", "start", { config: { api_schema: {} } })
        .exec("s", "ret")
        .data("s.x", "ret.x")
        .exec("start", "ret"),
    ["MULTIPLE_START", "UNKNOWN_PIN"],
  ],
  ["an input called __proto__", (f) => f.exec("start", "ret").data("start.x", "ret.__proto__"), ["UNKNOWN_PIN"]],
  [
    "the error pins of a node that has them are known",
    (f) => f.node("a", "math_add", sum).chain("start", "a", "ret").exec("a.error", "ret").data("a.error", "ret.error"),
    [],
  ],
  [
    "a case that the switch does not have",
    (f) =>
      f
        .node("a", "logic_switch", { config: { cases: [1] }, constants: { value: 1 } })
        .exec("start", "a")
        .exec("a.case_0", "ret")
        .exec("a.case_1", "ret")
        .exec("a.default", "ret"),
    ["UNKNOWN_PIN"],
  ],
  [
    "branches that the config does not turn on",
    (f) => f.node("a", "logic_if_else", yes).exec("start", "a").exec("a.true", "ret"),
    ["UNKNOWN_PIN"],
  ],
  [
    "branches that the config turns on",
    (f) =>
      f
        .node("a", "logic_if_else", { ...yes, config: { exec_branches: true } })
        .exec("start", "a")
        .exec("a.true", "ret"),
    [],
  ],
  [
    "pins of a sequence are made by edges",
    (f) => f.node("a", "control_sequence").exec("start", "a").exec("a.then_0", "ret").exec("a.then_7", "ret"),
    [],
  ],
  [
    "a pin of a sequence is a number",
    (f) => f.node("a", "control_sequence").exec("start", "a").exec("a.then_0", "ret").exec("a.then_x", "ret"),
    ["UNKNOWN_PIN"],
  ],
  [
    "two data edges into one input",
    (f) => f.exec("start", "ret").data("start.x", "ret.x").data("start.y", "ret.x"),
    ["DUPLICATE_INPUT_EDGE"],
  ],
  ["many exec edges into one node", (f) => f.node("a", "base_debug").exec("start", "ret", "a").exec("a", "ret"), []],
  [
    "a wire between types that do not fit",
    (f) =>
      f
        .node("a", "string_upper")
        .node("b", "math_add", sum)
        .chain("start", "a", "b", "ret")
        .data("start.t", "a.text")
        .data("a.result", "b.x"),
    ["TYPE_MISMATCH"],
  ],
];

it.each(cases)("%s", (_, given, errors) => {
  expect(codesOf(given)).toEqual(errors);
});
