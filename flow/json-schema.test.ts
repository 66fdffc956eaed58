import { expect, it } from "vitest";
import { checkSchema } from "./json-schema.ts";

const cases: [unknown, unknown, string[]][] = [
  [{ type: "string" }, "a", []],
  [{ type: "string" }, 1, [""]],
  [{ type: ["string", "null"] }, null, []],
  [{ type: "integer" }, 1.5, [""]],
  [{ type: "number" }, 1.5, []],
  [{ type: "array", items: { type: "integer" }, minItems: 1 }, [1, "a"], ["[1]"]],
  [{ minItems: 1 }, [], [""]],
  [{ maxItems: 1 }, [1, 2], [""]],
  [{ enum: ["a", { b: [1] }] }, { b: [1] }, []],
  [{ enum: ["a"] }, "b", [""]],
  [{ const: 1 }, 2, [""]],
  [{ minimum: 1, maximum: 3 }, 0, [""]],
  [{ exclusiveMinimum: 1 }, 1, [""]],
  [{ exclusiveMaximum: 1 }, 1, [""]],
  [{ minLength: 1 }, "", [""]],
  [{ maxLength: 1 }, "ab", [""]],
  [{ pattern: "^a" }, "ba", [""]],
  [{ pattern: "(" }, "anything", []],
  [{ required: ["a"] }, {}, ["a"]],
  [{ properties: { a: { properties: { b: { type: "string" } } } } }, { a: { b: 1 } }, ["a.b"]],
  [{ properties: {}, additionalProperties: false }, { a: 1 }, ["a"]],
  [{ additionalProperties: { type: "string" } }, { a: 1, b: "x" }, ["a"]],
  [{ anyOf: [{ type: "string" }, { type: "number" }] }, 1, []],
  [{ anyOf: [{ type: "string" }, { type: "number" }] }, null, [""]],
  [{ oneOf: [{ minimum: 0 }, { minimum: 1 }] }, 2, [""]],
  [{ oneOf: [{ minimum: 0 }, { minimum: 1 }] }, 0, []],
  [{ allOf: [{ minimum: 0 }, { maximum: 1 }] }, 2, [""]],
  [false, 1, [""]],
  [true, 1, []],
  [{ properties: 3, required: {}, items: [], enum: "x", anyOf: [] }, { a: 1 }, []],
];

it.each(cases)("%j on %j has problems at %j", (schema, value, paths) => {
  expect(checkSchema(value, schema).problems.map((problem) => problem.path)).toEqual(paths);
});

it("a key that the schema does not name is unknown, unless the schema says more", () => {
  const properties = { a: {} };
  expect(checkSchema({ b: 1 }, { properties }).unknownKeys).toEqual([{ path: "b", known: ["a"] }]);
  expect(checkSchema({ b: 1 }, { properties, additionalProperties: true }).unknownKeys).toEqual([]);
  expect(checkSchema({ b: 1 }, {}).unknownKeys).toEqual([]);
});
