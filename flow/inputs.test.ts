import { describe, expect, it } from "vitest";
import type { ApiSchema } from "./flow.ts";
import { apiSchemaOf, checkInputs } from "./inputs.ts";

describe("checkInputs", () => {
  const cases: [string, ApiSchema | undefined, unknown, Record<string, unknown>, number][] = [
    ["without a schema passes what is given", undefined, { a: 1, b: null }, { a: 1, b: null }, 0],
    ["without a schema and inputs passes nothing", undefined, undefined, {}, 0],
    ["with a schema leaves out what it does not name", { a: { type: "int" } }, { a: 1, b: 2 }, { a: 1 }, 0],
    ["applies a default", { a: { type: "int", required: true, default: 3 } }, {}, { a: 3 }, 0],
    ["keeps a default of null", { a: { type: "any", default: null } }, {}, { a: null }, 0],
    ["misses what is required", { a: { type: "int", required: true } }, {}, {}, 1],
    ["lets the optional be absent", { a: { type: "int" } }, {}, {}, 0],
    ["takes an int for a float", { a: { type: "float" } }, { a: 1 }, { a: 1 }, 0],
    ["takes no fraction for an int", { a: { type: "int" } }, { a: 1.5 }, {}, 1],
    ["takes no text for an int", { a: { type: "int" } }, { a: "five" }, {}, 1],
    ["takes null for any only", { a: { type: "any" }, b: { type: "int" } }, { a: null, b: null }, { a: null }, 1],
    ["looks into lists", { a: { type: "list[int]" } }, { a: [1, "2"] }, {}, 1],
    ["reports all problems", { a: { type: "int", required: true }, b: { type: "str" } }, { b: 1 }, {}, 2],
    ["takes an object only", undefined, [1], {}, 1],
  ];

  it.each(cases)("%s", (_, schema, inputs, values, problems) => {
    const checked = checkInputs(schema, inputs);
    expect(checked.values).toEqual(values);
    expect(checked.problems).toHaveLength(problems);
  });

  it("refuses a value that nests too deep", () => {
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(checkInputs(undefined, { deep }).problems).toHaveLength(1);
  });
});

it("a START without an api_schema declares nothing", () => {
  const start = { id: "s", type: "start", constants: {} };
  expect(apiSchemaOf({ ...start, config: {} })).toBeUndefined();
  expect(apiSchemaOf({ ...start, config: { api_schema: { a: { type: "int" } } } })).toEqual({ a: { type: "int" } });
});
