import { expect, it } from "vitest";
import { nearest } from "./suggest.ts";
import { canonicalType } from "./type-alias.ts";

it.each([
  ["math_add", "math_add"],
  ["rayflow.nodes.math.add.AddNode", "math_add"],
  ["rayflow.nodes.math.add", "math_add"],
  ["math/add.py", "math_add"],
  ["math/add", "math_add"],
  ["nodes/control/for-each.ts", "control_for_each"],
  ["rayflow.nodes.base.start.StartNode", "start"],
  ["rayflow.nodes.base.return.ReturnNode", "return"],
  ["base_start", "start"],
  ["base_return", "return"],
  ["get_variable", "variables_get"],
  ["set_variable", "variables_set"],
  ["rayflow.nodes.variables.get_variable.GetVariableNode", "variables_get"],
  ["...", "..."],
])("%s is %s", (written, canonical) => {
  expect(canonicalType(written)).toBe(canonical);
});

it.each([
  ["math_ad", "math_add"],
  ["retrun", "return"],
  ["MATH_ADD", "math_add"],
  ["zebra", undefined],
  ["x".repeat(100_000), undefined],
])("nearest to %s is %s", (name, expected) => {
  expect(nearest(name, ["start", "return", "math_add", "math_divide"])).toBe(expected);
});
