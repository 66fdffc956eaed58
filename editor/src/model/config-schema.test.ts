import { describe, expect, it } from "vitest";
import { formSchema, formUiSchema, withoutUntouchedDefaults } from "./config-schema.ts";

const schema = {
  type: "object",
  properties: {
    name: { type: "string" },
    code: { type: "integer", default: 200 },
    cases: { type: "array", items: {}, default: [] },
    any: {},
    map: { type: "object", additionalProperties: {} },
    time: { anyOf: [{ type: "number" }, { type: "string", pattern: "s$" }] },
    flow: { anyOf: [{ type: "string" }, { type: "object" }] },
    way: { anyOf: [{ const: "a" }, { const: "b" }] },
  },
};

describe("the form of a config", () => {
  it("has a field for JSON where no plain one would do", () => {
    expect(formUiSchema(schema)).toEqual({
      code: { "ui:placeholder": "200" },
      cases: { items: { "ui:field": "any" } },
      any: { "ui:field": "any" },
      map: { "ui:field": "json" },
      time: { "ui:field": "scalar" },
      flow: { "ui:field": "any" },
    });
  });

  it("shows what may be anything, too", () => {
    expect(formSchema(schema).properties).toMatchObject({
      any: { $comment: "anything" },
      cases: { items: { $comment: "anything" } },
      name: { type: "string" },
      time: { $comment: "anything" },
      way: { anyOf: [{ const: "a" }, { const: "b" }] },
    });
  });

  it("leaves defaults unwritten that nobody set, and keeps those that somebody did", () => {
    const filledIn = { name: "x", code: 200, cases: [] };
    expect(withoutUntouchedDefaults(filledIn, { name: "x" }, schema)).toEqual({ name: "x" });
    expect(withoutUntouchedDefaults(filledIn, { code: 200 }, schema)).toEqual({ name: "x", code: 200 });
    expect(withoutUntouchedDefaults({ ...filledIn, code: 404 }, {}, schema)).toEqual({ name: "x", code: 404 });
  });

  it("drops what was emptied, keeps null and what the schema does not know", () => {
    const next = { name: undefined, any: null, extra: [1] };
    expect(withoutUntouchedDefaults(next, { name: "x", extra: [1] }, schema)).toEqual({ any: null, extra: [1] });
  });
});
