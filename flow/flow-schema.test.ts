import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { flowFileSchema } from "./flow-schema.ts";
import { checkSchema } from "./json-schema.ts";

const folder = new URL("../examples/flows/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
const problems = (json: unknown) => checkSchema(json, flowFileSchema()).problems;

describe("the schema of flow files", () => {
  it.each(files)("takes examples/flows/%s", (name) => {
    expect(problems(JSON.parse(readFileSync(new URL(name, folder), "utf8")))).toEqual([]);
  });

  it("is draft-07", () => {
    expect(flowFileSchema().$schema).toBe("http://json-schema.org/draft-07/schema#");
  });

  it.each([
    [{}],
    [{ nodes: [] }],
    [{ nodes: [{ id: "a b", type: "start" }], edges: [] }],
    [{ nodes: [{}], edges: [] }],
  ])("refuses %j", (json) => {
    expect(problems(json)).not.toEqual([]);
  });
});
