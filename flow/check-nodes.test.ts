import { expect, it } from "vitest";
import { type FlowBuilder, fixtureTypes, flowBuilder } from "./testing.ts";
import { validateFlow } from "./validator.ts";

type Given = (flow: FlowBuilder) => FlowBuilder;

const names = { config: { variable_name: "v" } };
const base = () => flowBuilder().node("start", "start").node("ret", "return");
const codesOf = (given: Given) => validateFlow(given(base()).build(), fixtureTypes).errors.map((issue) => issue.code);

const cases: [string, Given, string[]][] = [
  [
    "a required input without anything",
    (f) => f.node("a", "math_add", { constants: { x: 1 } }).chain("start", "a", "ret"),
    ["MISSING_INPUT"],
  ],
  ["an input with a default", (f) => f.node("a", "math_round", { constants: { x: 1 } }).chain("start", "a", "ret"), []],
  [
    "null is a value, of a pin that takes any",
    (f) => f.node("a", "variables_set", { ...names, constants: { value: null } }).chain("start", "a", "ret"),
    [],
  ],
  [
    "null is not a number",
    (f) => f.node("a", "math_add", { constants: { x: 1, y: null } }).chain("start", "a", "ret"),
    ["TYPE_MISMATCH"],
  ],
  [
    "a constant of the wrong type",
    (f) => f.node("a", "string_upper", { constants: { text: 1 } }).chain("start", "a", "ret"),
    ["TYPE_MISMATCH"],
  ],
  [
    "config that misses a key",
    (f) => f.node("a", "variables_set", { constants: { value: 1 } }).chain("start", "a", "ret"),
    ["BAD_CONFIG"],
  ],
  [
    "config that is not of the list",
    (f) =>
      f.node("a", "logic_compare", { config: { operator: "=" }, constants: { a: 1, b: 2 } }).chain("start", "a", "ret"),
    ["BAD_CONFIG"],
  ],
  [
    "an api_schema with an unknown type",
    (f) =>
      f
        .node("s", "start", { config: { api_schema: { a: { type: "integer" } } } })
        .exec("s", "ret")
        .exec("start", "ret"),
    ["MULTIPLE_START", "BAD_CONFIG"],
  ],
];

it.each(cases)("%s", (_, given, errors) => {
  expect(codesOf(given)).toEqual(errors);
});
