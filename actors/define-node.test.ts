import { describe, expect, it } from "vitest";
import { nodeType } from "../flow/index.ts";
import { defineControl, defineNode, isNodeDefinition, take } from "./define-node.ts";
import type { NodeDefinition, PinSchemas } from "./node-definition.ts";
import { any, bool, dict, float, int, list, str } from "./pins.ts";
import { z } from "./sdk.ts";
import { fakeContext } from "./testing.ts";

const base = { type: "test_node", title: "Test", category: "test" };

async function run(node: NodeDefinition, inputs: Record<string, unknown> = {}, config: Record<string, unknown> = {}) {
  if (!node.execute) throw new Error("not an actor node");
  return node.execute(inputs, config, fakeContext());
}

/** A node that gives back whatever the test wants, past the compiler. */
function giving(returned: unknown, outputs: PinSchemas = {}, exec?: string[]): NodeDefinition {
  return defineNode({ ...base, outputs, ...(exec ? { exec } : {}), run: () => returned as never });
}

describe("a declared type", () => {
  const node = defineNode({
    ...base,
    inputs: {
      x: float().describe("the number"),
      n: int().default(3),
      s: z.enum(["a", "b"]).optional(),
      b: bool(),
      l: list(str()),
      d: dict(int()),
      o: z.object({ a: z.string() }),
      maybe: z.string().nullable(),
      free: any(),
      either: z.union([z.int(), z.number()]),
    },
    outputs: { out: list(), made: z.string().transform(Number).pipe(z.number()) },
    config: z.object({ label: z.string().default("hi"), wait: z.number().optional() }),
    run: ({ inputs, config }) => {
      const text: string | undefined = inputs.s;
      const count: number = inputs.n;
      return { out: [text, count, config.label.length], made: "1" };
    },
  });

  it("is a valid node type whose pins follow the schemas", () => {
    expect(nodeType.parse(node.nodeType)).toEqual(node.nodeType);
    expect(node.nodeType.inputs).toEqual({
      x: { type: "float", required: true, description: "the number" },
      n: { type: "int", default: 3 },
      s: { type: "str" },
      b: { type: "bool", required: true },
      l: { type: "list[str]", required: true },
      d: { type: "dict[str,int]", required: true },
      o: { type: "dict", required: true },
      maybe: { type: "any", required: true },
      free: { type: "any", required: true },
      either: { type: "float", required: true },
    });
    expect(node.nodeType.outputs).toEqual({ out: { type: "list" }, made: { type: "float" } });
  });

  it("has a config schema in which defaults are not required", () => {
    expect(node.nodeType.config).toMatchObject({
      type: "object",
      properties: { label: { type: "string", default: "hi" }, wait: { type: "number" } },
    });
    expect(node.nodeType.config).not.toHaveProperty("required");
    expect(JSON.parse(JSON.stringify(node.nodeType)).config.properties.label.default).toBe("hi");
  });

  it("is recognised by its mark, not by its class", () => {
    expect(isNodeDefinition(node)).toBe(true);
    expect(isNodeDefinition({ ...node })).toBe(true);
    expect(isNodeDefinition({ nodeType: node.nodeType })).toBe(false);
  });

  it.each([
    ["a type name with capitals", { type: "Test_Node" }],
    ["a pin name with a dot", { inputs: { "a.b": any() } }],
    ["an output called error", { outputs: { error: any() } }],
    ["an exec output called error", { exec: ["error"] }],
  ])("%s is refused", (_, part) => {
    expect(() => defineNode({ ...base, ...part, run: () => undefined as never })).toThrow(
      expect.objectContaining({ code: "NodeLoadError" }),
    );
  });

  it("control nodes have pins and no code", () => {
    const control = defineControl({ ...base, kind: "start", exec: { input: false, error: false } });
    expect(control.execute).toBeUndefined();
    expect(control.nodeType).toMatchObject({
      kind: "start",
      exec: { input: false, error: false, outputs: { from: "type", pins: ["finish"] } },
    });
  });
});

describe("inputs and config", () => {
  const node = defineNode({
    ...base,
    inputs: { x: float(), rows: list(dict(int())).optional(), free: any().optional() },
    outputs: { y: any() },
    config: z.object({ by: z.number().default(2) }),
    run: ({ inputs, config }) => ({ y: inputs.x * config.by }),
  });

  it("defaults are filled in before run", async () => {
    expect(await run(node, { x: 4 })).toEqual({ outputs: { y: 8 }, exec: undefined });
    expect(await run(node, { x: 4, unknown: 1 }, { by: 3 })).toEqual({ outputs: { y: 12 }, exec: undefined });
  });

  it.each([
    [{ x: "4" }, {}, 'test_node: input "x" (float): expected number, not "4"'],
    [{ x: null }, {}, 'test_node: input "x" (float): expected number, not null'],
    [{}, {}, 'test_node: missing input "x"'],
    [
      { x: 1, rows: [{ a: "b" }] },
      {},
      'test_node: input "rows" (list[dict[str,int]]) at rows.0.a: expected number, not "b"',
    ],
    [{ x: 1 }, { by: "two" }, "test_node: config by: expected number"],
  ])("%j with config %j is refused", async (inputs, config, message) => {
    await expect(run(node, inputs, config)).rejects.toMatchObject({
      code: "ValidationError",
      retryable: false,
      message,
    });
  });

  it("a required input of type any must be there, and null is a value", async () => {
    const free = defineNode({
      ...base,
      inputs: { v: any() },
      outputs: { v: any() },
      run: ({ inputs }) => ({ v: inputs.v }),
    });
    await expect(run(free)).rejects.toMatchObject({ code: "ValidationError", message: 'test_node: missing input "v"' });
    expect((await run(free, { v: null })).outputs).toEqual({ v: null });
  });
});

describe("what run gives back", () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  const y = { y: any() };

  it.each<[string, unknown, PinSchemas, string]>([
    ["nothing, where outputs are declared", undefined, { y: any(), z: any() }, "missing outputs"],
    ["a number", 5, y, "must return an object of outputs, not 5"],
    ["a list", [1], y, "not a list of 1"],
    ["null", null, y, "not null"],
    ["an output that is not declared", { y: 1, w: 2 }, y, 'undeclared output "w" (declared: y)'],
    ["a part of the outputs", { y: 1 }, { y: any(), z: any() }, 'missing output "z"'],
    ["a wrong type", { y: "1" }, { y: int() }, 'output "y" (int): expected number, not "1"'],
    ["a function", { y: () => 1 }, y, 'output "y": a value of type function is not JSON'],
    ["a BigInt", { y: { a: [1n] } }, y, 'output "y".a[0]: a value of type bigint is not JSON'],
    ["NaN", { y: Number.NaN }, y, "NaN is not a JSON number"],
    ["Infinity", { y: [Number.POSITIVE_INFINITY] }, y, 'output "y"[0]: Infinity'],
    ["a Map", { y: new Map() }, y, "a Map is not JSON"],
    ["a circular object", { y: circular }, y, "circular, or nested deeper than"],
    ["undefined in a list", { y: [undefined] }, y, "type undefined is not JSON"],
  ])("%s is a ValidationError", async (_, returned, outputs, message) => {
    await expect(run(giving(returned, outputs))).rejects.toMatchObject({
      code: "ValidationError",
      message: expect.stringContaining(message),
    });
  });

  it("nothing is fine where no output is required", async () => {
    expect(await run(giving(undefined))).toEqual({ outputs: {}, exec: undefined });
    expect(await run(giving(undefined, { y: int().default(7) }))).toEqual({ outputs: { y: 7 }, exec: undefined });
  });

  it("dates become text, and undefined properties go", async () => {
    const returned = { y: { at: new Date(0), gone: undefined } };
    expect((await run(giving(returned, y))).outputs).toEqual({ y: { at: "1970-01-01T00:00:00.000Z" } });
  });

  it("a key called __proto__ stays a key", async () => {
    const returned = { y: JSON.parse('{"__proto__":1,"a":2}') };
    expect(JSON.stringify((await run(giving(returned, y))).outputs)).toBe('{"y":{"__proto__":1,"a":2}}');
  });

  it("what run throws passes through", async () => {
    for (const thrown of [new Error("boom"), "text", null]) {
      const node = defineNode({
        ...base,
        run: () => {
          throw thrown;
        },
      });
      await expect(run(node)).rejects.toBe(thrown);
    }
  });
});

describe("take", () => {
  const two = ["yes", "no"];

  it("opens pins and sets the outputs given, no others", async () => {
    const outputs = { y: int(), z: int().default(1) };
    expect(await run(giving(take("yes", { y: 2 }), outputs, two))).toEqual({ outputs: { y: 2 }, exec: ["yes"] });
    expect(await run(giving(take(["yes", "no"]), outputs, two))).toEqual({ outputs: {}, exec: ["yes", "no"] });
    expect(await run(giving(take([]), outputs, two))).toEqual({ outputs: {}, exec: [] });
  });

  it("an undeclared exec output or a wrong output is a ValidationError", async () => {
    await expect(run(giving(take("maybe"), {}, two))).rejects.toMatchObject({ code: "ValidationError" });
    await expect(run(giving(take("yes", { y: "2" }), { y: int() }, two))).rejects.toMatchObject({
      code: "ValidationError",
    });
  });

  it("a node with several exec outputs has to say which; one with a single one has not", async () => {
    await expect(run(giving({}, {}, two))).rejects.toMatchObject({ code: "ValidationError" });
    expect((await run(giving({}, {}, ["done"]))).exec).toEqual(["done"]);
  });
});
