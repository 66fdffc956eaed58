/** Every built-in node that an actor runs, as given / then. What reaches out of the process has tests of its own in io/. */
import { describe, expect, it } from "vitest";
import { type FakeContextOptions, fakeContext, type LogLine, memoryVariables } from "../actors/testing.ts";
import { nodeType } from "../flow/index.ts";
import { builtinNodes } from "./index.ts";

const byType = new Map(Object.values(builtinNodes).map((node) => [node.nodeType.type, node]));

async function run(type: string, inputs: object, config: object = {}, context: FakeContextOptions = {}) {
  const execute = byType.get(type)?.execute;
  if (!execute) throw new Error(`${type} has no code`);
  return execute({ ...inputs }, { ...config }, fakeContext(context));
}

/** [type, inputs, outputs or error code, config?, exec?] */
type Row = [type: string, inputs: object, then: object | string, config?: object, exec?: string[]];

const proto = JSON.parse('{"__proto__":{"x":1},"a":2}') as object;

const rows: Row[] = [
  ["math_add", { x: 1, y: 2.5 }, { result: 3.5 }],
  ["math_add", { x: 1 }, "ValidationError"],
  ["math_add", { x: "1", y: 2 }, "ValidationError"],
  ["math_add", { x: 1.7e308, y: 1.7e308 }, "NotFinite"],
  ["math_subtract", { x: 1, y: 3 }, { result: -2 }],
  ["math_multiply", { x: 4, y: 2.5 }, { result: 10 }],
  ["math_multiply", { x: -1, y: 0 }, { result: 0 }],
  ["math_divide", { x: 1, y: 4 }, { result: 0.25 }],
  ["math_divide", { x: 1, y: 0 }, "DivideByZero"],
  ["math_divide", { x: 1, y: -0 }, "DivideByZero"],
  ["math_divide", { x: 1e308, y: 1e-10 }, "NotFinite"],
  ["math_modulo", { x: 10, y: 3 }, { result: 1 }],
  ["math_modulo", { x: -1, y: 3 }, { result: 2 }],
  ["math_modulo", { x: 1, y: -3 }, { result: -2 }],
  ["math_modulo", { x: -6, y: 3 }, { result: 0 }],
  ["math_modulo", { x: 1, y: 0 }, "DivideByZero"],
  ["math_power", { x: 2, y: 10 }, { result: 1024 }],
  ["math_power", { x: 0, y: -1 }, "NotFinite"],
  ["math_power", { x: -8, y: 0.5 }, "NotFinite"],
  ["math_min", { x: 2, y: -1 }, { result: -1 }],
  ["math_max", { x: 2, y: -1 }, { result: 2 }],
  ["math_abs", { x: -2.5 }, { result: 2.5 }],
  ["math_floor", { x: -2.5 }, { result: -3 }],
  ["math_ceil", { x: 2.1 }, { result: 3 }],
  ["math_ceil", { x: -0.5 }, { result: 0 }],
  ["math_round", { x: 2.5 }, { result: 3 }],
  ["math_round", { x: -2.5 }, { result: -3 }],
  ["math_round", { x: 1.005, digits: 2 }, { result: 1.01 }],
  ["math_round", { x: 1250, digits: -2 }, { result: 1300 }],
  ["math_round", { x: 1e-7, digits: 3 }, { result: 0 }],
  ["math_round", { x: -0.2 }, { result: 0 }],
  ["math_round", { x: 1.23456e21, digits: 2 }, { result: 1.23456e21 }],
  ["math_round", { x: 1.5, digits: 400 }, { result: 1.5 }],
  ["math_round", { x: 1.5, digits: 0.5 }, "ValidationError"],

  ["logic_branch", { condition: true }, {}, {}, ["true"]],
  ["logic_branch", { condition: false }, {}, {}, ["false"]],
  ["logic_branch", { condition: 1 }, "ValidationError"],
  ["logic_if_else", { condition: true, true_value: 1, false_value: 2 }, { result: 1 }],
  ["logic_if_else", { condition: false, true_value: 1 }, { result: null }],
  ["logic_if_else", { condition: false, false_value: 2 }, { result: 2 }, { exec_branches: true }, ["false"]],
  ["logic_if_else", { condition: true }, { result: null }, { exec_branches: true }, ["true"]],
  ["logic_switch", { value: "b" }, {}, { cases: ["a", "b"] }, ["case_1"]],
  ["logic_switch", { value: "1" }, {}, { cases: [1] }, ["default"]],
  ["logic_switch", { value: { a: [1] } }, {}, { cases: [{ a: [1] }] }, ["case_0"]],
  ["logic_switch", { value: null }, {}, { cases: [null] }, ["case_0"]],
  ["logic_switch", { value: 1 }, {}, {}, ["default"]],
  ["logic_compare", { a: 1, b: 1.0 }, { result: true }],
  ["logic_compare", { a: { x: [1, null], y: 2 }, b: { y: 2, x: [1, null] } }, { result: true }],
  ["logic_compare", { a: [1, 2], b: [1] }, { result: false }],
  ["logic_compare", { a: {}, b: [] }, { result: false }],
  ["logic_compare", { a: null, b: {} }, { result: false }],
  ["logic_compare", { a: proto, b: { a: 2 } }, { result: false }],
  ["logic_compare", { a: 1, b: "1" }, { result: true }, { operator: "!=" }],
  ["logic_compare", { a: 2, b: 10 }, { result: true }, { operator: "<" }],
  ["logic_compare", { a: "2", b: "10" }, { result: true }, { operator: ">" }],
  ["logic_compare", { a: "Z", b: "a" }, { result: true }, { operator: "<=" }],
  ["logic_compare", { a: 2, b: 2 }, { result: true }, { operator: ">=" }],
  ["logic_compare", { a: false, b: true }, { result: true }, { operator: "<" }],
  ["logic_compare", { a: 1, b: "2" }, "TypeMismatch", { operator: "<" }],
  ["logic_compare", { a: null, b: null }, "TypeMismatch", { operator: "<=" }],
  ["logic_compare", { a: [1], b: [2] }, "TypeMismatch", { operator: "<" }],
  ["logic_compare", { a: 1, b: 2 }, "ValidationError", { operator: "=<" }],
  ["logic_and", { a: true, b: false }, { result: false }],
  ["logic_or", { a: true, b: false }, { result: true }],
  ["logic_not", { value: true }, { result: false }],

  ["string_concat", { a: "x", b: "y" }, { result: "xy" }],
  ["string_format", { template: "Hi {name}, {n}", values: { name: "Ann", n: 2 } }, { result: "Hi Ann, 2" }],
  ["string_format", { template: "{{{x}}} {{x}} }", values: { x: [1] } }, { result: "{[1]} {x} }" }],
  ["string_format", { template: "{a.b}{c.d}", values: { a: { b: null }, "c.d": true } }, { result: "nulltrue" }],
  ["string_format", { template: "{missing}", values: {} }, "MissingPlaceholder"],
  ["string_format", { template: "{toString}", values: {} }, "MissingPlaceholder"],
  ["string_format", { template: "{}", values: {} }, "MissingPlaceholder"],
  ["string_format", { template: "{open", values: {} }, "BadTemplate"],
  ["string_format", { template: "$& {x}", values: { x: "$&" } }, { result: "$& $&" }],
  ["string_split", { text: "a,b,", delimiter: "," }, { parts: ["a", "b", ""] }],
  ["string_split", { text: "a😀", delimiter: "" }, { parts: ["a", "😀"] }],
  ["string_join", { parts: ["a", 1, null], delimiter: "-" }, { result: "a-1-null" }],
  ["string_join", { parts: ["a", "b"] }, { result: "ab" }],
  ["string_upper", { text: "aß" }, { result: "ASS" }],
  ["string_lower", { text: "AB" }, { result: "ab" }],
  ["string_trim", { text: " \n a\t" }, { result: "a" }],
  ["string_replace", { text: "a.b.c", search: ".", replacement: "$&" }, { result: "a$&b$&c" }],
  ["string_replace", { text: "ab", search: "", replacement: "-" }, { result: "-a-b-" }],
  ["string_replace", { text: "a".repeat(100_000), search: "", replacement: "b".repeat(1_000) }, "LimitExceeded"],
  ["string_join", { parts: Array(100_000).fill("a"), delimiter: "b".repeat(1_000) }, "LimitExceeded"],
  ["string_concat", { a: "a".repeat(9 * 2 ** 20), b: "b".repeat(9 * 2 ** 20) }, "LimitExceeded"],
  ["string_format", { template: "{a}".repeat(1_000), values: { a: "b".repeat(100_000) } }, "LimitExceeded"],
  ["string_length", { text: "a😀" }, { length: 2 }],
  ["string_contains", { text: "abc", search: "bc" }, { result: true }],
  ["string_starts_with", { text: "abc", search: "bc" }, { result: false }],
  ["string_ends_with", { text: "abc", search: "bc" }, { result: true }],

  ["data_json_parse", { json_string: '{"a":[1,null]}' }, { data: { a: [1, null] } }],
  ["data_json_parse", { json_string: "{a}" }, "ConversionError"],
  ["data_json_stringify", { data: { a: 1 } }, { json_string: '{"a":1}' }],
  ["data_json_stringify", { data: [1] }, { json_string: "[\n  1\n]" }, { indent: 2 }],
  ["data_dict_get", { dict: { a: null }, key: "a" }, { value: null }],
  ["data_dict_get", { dict: {}, key: "a" }, "KeyNotFound"],
  ["data_dict_get", { dict: {}, key: "a" }, { value: null }, { default: null }],
  ["data_dict_get", { dict: {}, key: "__proto__" }, "KeyNotFound"],
  ["data_dict_get", { dict: {}, key: "constructor" }, "KeyNotFound"],
  ["data_dict_get", { dict: { "a.b": 1 }, key: "a.b" }, { value: 1 }],
  ["data_dict_get", { dict: { a: { b: [5, 6] } }, key: "a.b.1" }, { value: 6 }, { path: true }],
  ["data_dict_get", { dict: { a: [] }, key: "a.length" }, "KeyNotFound", { path: true }],
  ["data_dict_get", { dict: { a: "text" }, key: "a.length" }, "KeyNotFound", { path: true }],
  ["data_dict_set", { dict: { a: 1 }, key: "b", value: null }, { dict: { a: 1, b: null } }],
  ["data_dict_merge", { a: { x: 1, y: 1 }, b: { y: 2 } }, { dict: { x: 1, y: 2 } }],
  ["data_dict_keys", { dict: { b: 1, a: 2 } }, { keys: ["b", "a"] }],
  ["data_dict_has", { dict: { a: null }, key: "a" }, { result: true }],
  ["data_dict_has", { dict: {}, key: "toString" }, { result: false }],
  ["data_list_append", { list: [1], item: null }, { list: [1, null] }],
  ["data_list_contains", { list: [1, { a: 1 }], item: { a: 1 } }, { result: true }],
  ["data_list_contains", { list: [1], item: "1" }, { result: false }],
  ["data_list_get", { list: [1, 2], index: 0 }, { item: 1 }],
  ["data_list_get", { list: [1, 2], index: -1 }, { item: 2 }],
  ["data_list_get", { list: [1, 2], index: 2 }, "IndexOutOfRange"],
  ["data_list_get", { list: [1, 2], index: -3 }, "IndexOutOfRange"],
  ["data_list_get", { list: [1, 2], index: 0.5 }, "ValidationError"],
  ["data_list_length", { list: [1, 2] }, { length: 2 }],
  ["data_list_sum", { list: [1, 2.5] }, { result: 3.5 }],
  ["data_list_sum", { list: [] }, { result: 0 }],
  ["data_list_sum", { list: [1, "2"] }, "ValidationError"],
  ["data_list_sum", { list: [1.7e308, 1.7e308] }, "NotFinite"],
  ["data_list_slice", { list: [1, 2, 3], start: 1 }, { list: [2, 3] }],
  ["data_list_slice", { list: [1, 2, 3], start: -2, end: -1 }, { list: [2] }],
  ["data_list_range", { stop: 3 }, { list: [0, 1, 2] }],
  ["data_list_range", { start: 5, stop: 0, step: -2 }, { list: [5, 3, 1] }],
  ["data_list_range", { start: 5, stop: 0 }, { list: [] }],
  ["data_list_range", { stop: 3, step: 0 }, "ValidationError"],
  ["data_list_range", { stop: 1_000_001 }, "LimitExceeded"],
  ["data_to_int", { value: -3.9 }, { result: -3 }],
  ["data_to_int", { value: " 42 " }, { result: 42 }],
  ["data_to_int", { value: true }, { result: 1 }],
  ...["3.7", "", "0x10", "1e3", null, [1], 1e300].map((value): Row => ["data_to_int", { value }, "ConversionError"]),
  ["data_to_float", { value: "-1.5e3" }, { result: -1500 }],
  ["data_to_float", { value: ".5" }, { result: 0.5 }],
  ["data_to_float", { value: 2 }, { result: 2 }],
  ...["", "abc", "1,5", "Infinity", "1e999", null, {}].map(
    (value): Row => ["data_to_float", { value }, "ConversionError"],
  ),
  ["data_to_str", { value: "a" }, { result: "a" }],
  ["data_to_str", { value: { a: 1 } }, { result: '{"a":1}' }],
  ["data_to_str", { value: null }, { result: "null" }],
  ["data_to_bool", { value: " Yes " }, { result: true }],
  ["data_to_bool", { value: "0" }, { result: false }],
  ["data_to_bool", { value: 0.1 }, { result: true }],
  ["data_to_bool", { value: null }, { result: false }],
  ["data_to_bool", { value: "maybe" }, "ConversionError"],
  ["data_to_bool", { value: [] }, "ConversionError"],

  ["control_fail", { message: "no" }, "Failed"],
  ["control_fail", { message: "no", code: "Guard" }, "Guard"],
  ["control_fail", { message: "no", code: "two words" }, "ValidationError"],
];

describe("given inputs and config", () => {
  it.each(rows)("%s %j → %j %j", async (type, inputs, then, config, exec) => {
    const before = JSON.stringify(inputs);
    const ran = run(type, inputs, config);
    if (typeof then === "string") {
      const retryable = type === "control_fail" && then !== "ValidationError";
      await expect(ran).rejects.toMatchObject({ name: "RayflowError", code: then, retryable });
    } else {
      expect(await ran).toEqual({ outputs: then, exec });
    }
    expect(JSON.stringify(inputs)).toBe(before);
  });

  it("control_fail is not tried again when its config says so", async () => {
    await expect(run("control_fail", { message: "no" }, { retryable: false })).rejects.toMatchObject({
      message: "no",
      retryable: false,
    });
  });

  it("setting the key __proto__ sets no prototype", async () => {
    const { outputs } = await run("data_dict_set", { dict: { a: 1 }, key: "__proto__", value: { polluted: true } });
    expect((outputs.dict as { polluted?: boolean }).polluted).toBeUndefined();
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe("variables", () => {
  const name = { variable_name: "n" };

  it("are set, read, counted, listed and deleted in their scope", async () => {
    const context = { variables: memoryVariables() };
    const call = async (type: string, inputs: object = {}, config: object = name) =>
      (await run(`variables_${type}`, inputs, config, context)).outputs;

    expect(await call("get")).toEqual({ value: null });
    expect(await call("get", {}, { ...name, default: 7 })).toEqual({ value: 7 });
    expect(await call("exists")).toEqual({ exists: false });
    expect(await call("set", { value: null })).toEqual({ value: null });
    expect(await call("exists")).toEqual({ exists: true });
    expect(await call("get", {}, { ...name, default: 7 })).toEqual({ value: null });
    expect(await call("set", { value: 4 })).toEqual({ value: 4 });
    expect(await call("increment")).toEqual({ value: 5 });
    expect(await call("increment", { by: -0.5 })).toEqual({ value: 4.5 });
    expect(await call("get", {}, { ...name, scope: "flow" })).toEqual({ value: null });
    expect(await call("set", { value: "g" }, { variable_name: "m", scope: "global" })).toEqual({ value: "g" });
    expect(await call("list", {}, {})).toEqual({ variables: { n: 4.5 } });
    expect(await call("list", {}, { scope: "global" })).toEqual({ variables: { m: "g" } });
    expect(await call("delete")).toEqual({ deleted: true });
    expect(await call("delete")).toEqual({ deleted: false });
  });

  it.each([[{}], [{ variable_name: "" }], [{ variable_name: "n", scope: "world" }]])(
    "config %j is refused",
    async (config) => {
      await expect(run("variables_get", {}, config)).rejects.toMatchObject({ code: "ValidationError" });
    },
  );
});

it("base_debug logs the label and the value and passes it on", async () => {
  const lines: LogLine[] = [];
  const { outputs } = await run("base_debug", { value: [1] }, { label: "here" }, { lines });
  expect(outputs).toEqual({ value: [1] });
  expect(lines).toEqual([{ level: "info", message: "here", fields: { label: "here", value: [1] } }]);
});

describe("what the types declare", () => {
  it.each([...byType])("%s is a valid node type", (_, node) => {
    expect(nodeType.parse(node.nodeType)).toEqual(node.nodeType);
    expect(node.nodeType.description).not.toBe("");
    expect(node.execute === undefined).toBe(node.nodeType.kind !== "actor");
  });

  it("only what has no effects may be used without exec edges", () => {
    const pure = [...byType.values()].filter((node) => node.nodeType.pure).map((node) => node.nodeType);
    const categories = new Set(pure.map(({ category }) => category));
    expect([...categories].sort()).toEqual(["data", "logic", "math", "string", "variables"]);
    expect(pure.filter(({ category }) => category === "variables").map(({ type }) => type)).toEqual([
      "variables_exists",
      "variables_get",
      "variables_list",
    ]);
    expect(pure.some(({ type }) => type === "logic_branch" || type === "logic_switch")).toBe(false);
  });

  const pins = (...names: string[]) => ({ from: "type", pins: names });
  it.each<[string, object]>([
    ["start", { input: false, outputs: pins("finish"), error: false }],
    ["return", { input: true, outputs: pins(), error: false }],
    ["logic_branch", { input: true, outputs: pins("true", "false"), error: true }],
    ["logic_switch", { outputs: { from: "list", key: "cases", prefix: "case_", also: ["default"] } }],
    [
      "logic_if_else",
      { outputs: { from: "flag", key: "exec_branches", pins: ["true", "false"], otherwise: ["finish"] } },
    ],
    ["control_for_each", { input: true, outputs: pins("body", "completed"), error: true }],
    ["control_while", { outputs: pins("body", "completed") }],
    ["control_repeat", { outputs: pins("body", "completed") }],
    ["control_break", { input: true, outputs: pins(), error: false }],
    ["control_continue", { input: true, outputs: pins(), error: false }],
    ["control_sequence", { outputs: { from: "edges", prefix: "then_" } }],
    ["control_subflow", { outputs: pins("finish") }],
    ["control_sleep", { outputs: pins("finish") }],
    ["control_wait_signal", { outputs: pins("finish", "timeout") }],
    ["math_add", { input: true, outputs: pins("finish"), error: true }],
  ])("%s has the exec pins %j", (type, exec) => {
    expect(byType.get(type)?.nodeType.exec).toMatchObject(exec);
  });

  it.each<[string, string, string]>([
    ["math_add", "x: float!, y: float!", "result: float"],
    ["control_for_each", "list: list!, collect: any", "item: any, index: int, results: list, count: int"],
    ["control_repeat", "times: int!, collect: any", "index: int, results: list"],
    ["control_while", "condition: bool!", "iteration: int"],
    ["control_subflow", "", "result: dict, status_code: int"],
    ["control_sleep", "seconds: float!", ""],
    ["control_wait_signal", "", "payload: any"],
    ["control_fail", "message: str!, code: str", ""],
    ["logic_if_else", "condition: bool!, true_value: any, false_value: any", "result: any"],
    ["string_split", "text: str!, delimiter: str!", "parts: list[str]"],
    ["data_list_range", "start: int, stop: int!, step: int", "list: list[int]"],
    ["io_http_request", "body: any, headers: dict, query: dict", "response: any, status_code: int, headers: dict"],
    ["io_file_write", "path: str!, content: str!", "success: bool"],
    ["io_nats_request", "payload: any!", "response: any"],
  ])("%s: %s → %s", (type, inputs, outputs) => {
    const declared = byType.get(type)?.nodeType;
    const text = (side: object | undefined) =>
      Object.entries((side ?? {}) as Record<string, { type: string; required?: boolean }>)
        .map(([name, pin]) => `${name}: ${pin.type}${pin.required ? "!" : ""}`)
        .join(", ");
    expect([text(declared?.inputs), text(declared?.outputs)]).toEqual([inputs, outputs]);
  });

  it("return and subflow take inputs of any name, start's outputs come from its api_schema", () => {
    const open = [...byType.values()].filter((node) => node.nodeType.open_inputs).map((node) => node.nodeType.type);
    expect(open.sort()).toEqual(["control_subflow", "return"]);
    expect(byType.get("start")?.nodeType.outputs_from_api_schema).toBe(true);
  });
});
