import { describe, expect, it } from "vitest";
import { checkFlow } from "../flow/index.ts";
import { exampleFlow, nodeSource, parseNodeName } from "./node-template.ts";

describe("parseNodeName", () => {
  it.each([
    ["text/shout", "text_shout"],
    ["text_shout", "text_shout"],
    ["text/shout-loud", "text_shout_loud"],
    ["text/ShoutLoud", "text_shout_loud"],
    ["text/shout.ts", "text_shout"],
    ["shout", "custom_shout"],
  ])("%s makes the type %s", (name, type) => {
    expect(parseNodeName(name).type).toBe(type);
  });

  it.each(["", "/", "a/", "/b", "../x", "a/b/c", "a b", "9/x", `a/${"x".repeat(70)}`])("refuses %j", (name) => {
    expect(() => parseNodeName(name)).toThrow(/no node name/);
  });
});

describe("the example flow of a new node", () => {
  it("is one that can be read", () => {
    const { errors } = checkFlow(JSON.parse(exampleFlow(parseNodeName("text/shout"))), new Map());
    // Without any node type nothing else can be wrong but that.
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(["UNKNOWN_NODE_TYPE"]));
  });
});

describe("the source of a new node", () => {
  it("names its type and the flow that runs it", () => {
    const source = nodeSource(parseNodeName("text/shout"), "nodes/text/shout.flow.json");
    expect(source).toMatch(/type: "text_shout"/);
    expect(source).toMatch(/rayflow run nodes\/text\/shout\.flow\.json/);
  });
});
