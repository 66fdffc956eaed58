import { describe, expect, test } from "vitest";
import { emptyDocument, type FlowDocument } from "../model/flow-document.ts";
import { declaredInputs, fieldsOf, readFreeInputs, readInputs } from "./input-fields.ts";

const schema = {
  name: { type: "str", required: true, description: "Who is greeted" },
  count: { type: "int", default: 3 },
  ratio: { type: "float" },
  loud: { type: "bool" },
  tags: { type: "list[str]", required: true },
  more: { type: "any", default: { a: [1] } },
};

function withStart(config: Record<string, unknown>): FlowDocument {
  const start = { id: "start", type: "start", position: { x: 0, y: 0 }, config, constants: {} };
  return { ...emptyDocument("greet"), nodes: [start] };
}

describe("the fields of a run's inputs", () => {
  test("are what START declares, each in the form of its type", () => {
    const declared = declaredInputs(withStart({ api_schema: schema }));
    expect(
      fieldsOf(declared ?? {}).map(({ name, form, required, defaultText }) => [name, form, required, defaultText]),
    ).toEqual([
      ["name", "text", true, undefined],
      ["count", "number", false, "3"],
      ["ratio", "number", false, undefined],
      ["loud", "switch", false, undefined],
      ["tags", "json", true, undefined],
      ["more", "json", false, '{\n  "a": [\n    1\n  ]\n}'],
    ]);
  });

  test("are unknown where START declares nothing, or there is no START", () => {
    expect(declaredInputs(withStart({}))).toBeUndefined();
    expect(declaredInputs(emptyDocument("x"))).toBeUndefined();
  });
});

describe("what is written into them", () => {
  test("is read as JSON of the declared types; what is left out is left to the defaults", () => {
    const { inputs, problems } = readInputs(schema, {
      name: "",
      count: "12",
      ratio: "1e-2",
      loud: "true",
      tags: '["a"]',
    });
    expect(problems).toEqual(new Map());
    expect(inputs).toEqual({ name: "", count: 12, ratio: 0.01, loud: true, tags: ["a"] });
  });

  test("is blamed field by field, in words that fit behind the field's name", () => {
    const { problems } = readInputs(schema, { count: "1.5", ratio: "abc", tags: "[1]", more: "{" });
    expect([...problems.keys()]).toEqual(["name", "count", "ratio", "tags", "more"]);
    expect(problems.get("name")).toBe("is required");
    expect(problems.get("count")).toMatch(/^must be int, not /);
    expect(problems.get("ratio")).toBe("must be float");
    expect(problems.get("tags")).toMatch(/^must be list\[str\], not /);
    expect(problems.get("more")).toMatch(/^is not JSON: /);
  });

  test("counts as nothing when it is blank, unless it is a text", () => {
    const { inputs, problems } = readInputs(schema, { name: " ", count: " ", tags: "" });
    expect(inputs).toEqual({ name: " " });
    expect([...problems]).toEqual([["tags", "is required"]]);
  });

  test("into a flow that declares nothing is one JSON object", () => {
    expect(readFreeInputs(" ")).toEqual({ inputs: {}, problems: new Map() });
    expect(readFreeInputs('{"a": null}').inputs).toEqual({ a: null });
    expect(readFreeInputs("[1]").problems.get("")).toBe("must be a JSON object");
    expect(readFreeInputs("{a}").problems.get("")).toMatch(/^is not JSON/);
  });

  test("never reaches a property that every object has", () => {
    const odd = { constructor: { type: "str" } };
    expect(readInputs(odd, {}).inputs).toEqual({});
    expect(Object.hasOwn(readInputs(odd, { constructor: "x" }).inputs, "constructor")).toBe(true);
  });
});
