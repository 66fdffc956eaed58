import { describe, expect, it } from "vitest";
import { type FlowBuilder, fixtureTypes, flowBuilder } from "./testing.ts";
import { checkFlow, validateFlow } from "./validator.ts";

type Given = (flow: FlowBuilder) => FlowBuilder;
const base = () => flowBuilder().node("start", "start").node("ret", "return");
const sum = { constants: { x: 1, y: 1 } };
const check = (given: Given) => validateFlow(given(base()).build(), fixtureTypes);

describe("without START or RETURN", () => {
  it.each([
    ["nothing at all", flowBuilder(), ["NO_START", "NO_RETURN"]],
    ["a mistyped START", flowBuilder().node("s", "strat").node("r", "return").exec("s", "r"), ["UNKNOWN_NODE_TYPE"]],
    ["a mistyped RETURN", flowBuilder().node("s", "start").node("r", "retrun").exec("s", "r"), ["UNKNOWN_NODE_TYPE"]],
    [
      "loops are checked all the same",
      flowBuilder().node("b", "control_break").node("r", "return").exec("b.x", "r"),
      ["NO_START", "UNKNOWN_PIN", "LOOP_BODY"],
    ],
  ])("%s", (_, flow, errors) => {
    expect(validateFlow(flow.build(), fixtureTypes).errors.map((issue) => issue.code)).toEqual(errors);
  });

  it("an empty set of types leaves every type unknown, and START found", () => {
    const { errors } = validateFlow(base().exec("start", "ret").build(), new Map());
    expect(errors.map((issue) => issue.code)).toEqual(["UNKNOWN_NODE_TYPE", "UNKNOWN_NODE_TYPE"]);
  });
});

describe("a message", () => {
  const only = (given: Given) => check(given).errors[0];

  it("says which type or pin may have been meant", () => {
    expect(only((f) => f.node("a", "math_ad").chain("start", "a", "ret"))).toEqual({
      code: "UNKNOWN_NODE_TYPE",
      message: 'node "a" is of the unknown type "math_ad" - did you mean "math_add"?',
      node_id: "a",
      path: "type",
    });
    expect(
      only((f) => f.node("a", "math_add", sum).chain("start", "a", "ret").data("a.resutl", "ret.x"))?.message,
    ).toBe('edge "e2": node "a" (math_add) has no output "resutl" - did you mean "result"?');
  });

  it("names the nodes of a cycle in their order", () => {
    const cycle = only((f) =>
      f.node("b", "base_debug").node("a", "base_debug").chain("start", "a", "b", "a").exec("b", "ret"),
    );
    expect(cycle?.message).toContain('"b" → "a" → "b"');
    const data = only((f) =>
      f.node("a", "base_debug").node("b", "base_debug").chain("start", "a", "b", "ret").data("b.value", "a.value"),
    );
    expect(data).toMatchObject({ node_id: "a", edge_id: "e3", path: "inputs.value" });
    expect(data?.message).toContain('"a" → "b" → "a"');
  });

  it("says where a literal or a config is wrong", () => {
    const { errors } = check((f) =>
      f
        .node("a", "math_add", { constants: { x: "one", y: 1 } })
        .node("l", "control_for_each", { constants: { list: [] }, config: { concurrency: 0 } })
        .chain("start", "a", "l")
        .exec("l.completed", "ret"),
    );
    expect(errors.map(({ node_id, path }) => [node_id, path])).toEqual([
      ["a", "constants.x"],
      ["l", "config.concurrency"],
    ]);
  });
});

describe("warnings", () => {
  const warnings = (given: Given) => check(given).warnings.map((issue) => [issue.code, issue.node_id, issue.path]);

  it("a pure node that nothing running reads is unused, and so is what only it reads", () => {
    const given: Given = (f) =>
      f.node("a", "math_add", sum).node("b", "math_add", sum).exec("start", "ret").data("a.result", "b.x");
    expect(warnings(given)).toEqual([
      ["UNUSED_NODE", "a", undefined],
      ["UNUSED_NODE", "b", undefined],
    ]);
  });

  it("a config key and a constant that the type does not know have no effect", () => {
    const given: Given = (f) =>
      f
        .node("a", "variables_set", { config: { variable_name: "v", scop: "run" }, constants: { value: 1, vaule: 2 } })
        .chain("start", "a", "ret");
    expect(warnings(given)).toEqual([
      ["UNKNOWN_KEY", "a", "constants.vaule"],
      ["UNKNOWN_KEY", "a", "config.scop"],
    ]);
  });
});

describe("every error", () => {
  it("is in one report, each mistake once", () => {
    const { valid, errors } = checkFlow(
      {
        nodes: [
          { id: "start", type: "start" },
          { id: "bad id", type: "base_debug" },
          { id: "a", type: "math_add", data: { constantValues: { x: "1" } } },
          { id: "b", type: "string_upper" },
          { id: "ret", type: "return", policy: { retry: 3 } },
        ],
        edges: [
          { source: "start", target: "a", sourceHandle: "exec-out", targetHandle: "input-y" },
          { source: "start", target: "b", sourceHandle: "exec-out", targetHandle: "exec-in" },
          { source: "a", target: "b", sourceHandle: "output-result", targetHandle: "input-text" },
          { source: "b", target: "ret", sourceHandle: "exec-out", targetHandle: "exec-in" },
        ],
      },
      fixtureTypes,
    );
    expect(valid).toBe(false);
    expect(errors.map((issue) => issue.code)).toEqual([
      "BAD_ID",
      "BAD_CONFIG",
      "KIND_MISMATCH",
      "TYPE_MISMATCH",
      "TYPE_MISMATCH",
      "UNREACHABLE_NODE",
    ]);
  });
});
