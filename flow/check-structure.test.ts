import { expect, it } from "vitest";
import { type FlowBuilder, fixtureTypes, flowBuilder } from "./testing.ts";
import { validateFlow } from "./validator.ts";

type Given = (flow: FlowBuilder) => FlowBuilder;

const sum = { constants: { x: 1, y: 1 } };
const base = () => flowBuilder().node("start", "start").node("ret", "return");
const codesOf = (given: Given) => validateFlow(given(base()).build(), fixtureTypes).errors.map((issue) => issue.code);

const cases: [string, Given, string[]][] = [
  ["the smallest flow is valid", (f) => f.exec("start", "ret"), []],
  ["a RETURN that no edge leads to", (f) => f.node("a", "base_debug").exec("start", "a"), ["RETURN_UNREACHABLE"]],
  ["a second RETURN that no edge leads to", (f) => f.node("b", "return").exec("start", "ret"), ["UNREACHABLE_NODE"]],
  ["an exec-only node without edges", (f) => f.node("a", "base_debug").exec("start", "ret"), ["UNREACHABLE_NODE"]],
  [
    "a node that leads on but is not led to",
    (f) => f.node("a", "math_add", sum).exec("start", "ret").exec("a", "ret"),
    ["UNREACHABLE_NODE"],
  ],
  ["an unknown type", (f) => f.node("a", "math_ad").chain("start", "a", "ret"), ["UNKNOWN_NODE_TYPE"]],
  [
    "an unknown type is not asked for its pins",
    (f) => f.node("a", "loop").exec("start", "a").exec("a.body", "ret").data("a.x", "ret.x"),
    ["UNKNOWN_NODE_TYPE"],
  ],
  ["an edge into nowhere", (f) => f.exec("start", "ret", "ghost"), ["UNKNOWN_NODE"]],
  [
    "an edge out of nowhere",
    (f) => f.node("a", "base_debug").exec("start", "ret").exec("ghost", "a").exec("a", "ret"),
    ["UNKNOWN_NODE"],
  ],
  [
    "an input fed out of nowhere is not missing too",
    (f) => f.node("a", "string_upper").chain("start", "a", "ret").data("ghost.x", "a.text"),
    ["UNKNOWN_NODE"],
  ],
  [
    "an edge from nowhere to nowhere",
    (f) => f.exec("start", "ret").exec("ghost", "spirit"),
    ["UNKNOWN_NODE", "UNKNOWN_NODE"],
  ],
];

it.each(cases)("%s", (_, given, errors) => {
  expect(codesOf(given)).toEqual(errors);
});
