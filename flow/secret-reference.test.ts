import { describe, expect, test } from "vitest";
import { holdsSecret, isSecretReference, replaceSecrets } from "./secret-reference.ts";
import { fixtureTypes, flowBuilder, nodeTypeFixture } from "./testing.ts";
import { validateFlow } from "./validator.ts";

test("a reference is an object of one key with a name that names no place", () => {
  expect(isSecretReference({ $secret: "api_key" })).toBe(true);
  for (const other of [
    { $secret: "../x" },
    { $secret: "" },
    { $secret: ".x" },
    { $secret: 1 },
    { $secret: "a", b: 1 },
    "$secret",
    null,
    [],
    { $secret: "a/b" },
  ]) {
    expect(isSecretReference(other)).toBe(false);
  }
});

test("references are replaced wherever they stand, and what holds none stays the same object", () => {
  const value = { a: [{ $secret: "x" }], b: { c: { $secret: "y" } }, d: 1 };
  expect(replaceSecrets(value, (name) => name.toUpperCase())).toEqual({ a: ["X"], b: { c: "Y" }, d: 1 });
  expect(holdsSecret(value)).toBe(true);
  const plain = { a: [1], $secret: "two", b: 2 };
  expect(replaceSecrets(plain, () => "no")).toBe(plain);
});

describe("the validator", () => {
  const types = new Map([
    ...fixtureTypes,
    [
      "test_call",
      nodeTypeFixture("test_call", {
        inputs: { text: "str", many: "dict[str,str]", count: "int" },
        config: { type: "object", properties: { key: { type: "string" }, size: { type: "integer" } } },
      }),
    ],
  ]);
  const check = (more: Record<string, unknown>) => {
    const flow = flowBuilder()
      .node("start", "start")
      .node("call", "test_call", {
        constants: { text: "", many: {}, count: 1, ...(more.constants as object) },
        config: more.config as never,
      })
      .node("ret", "return")
      .chain("start", "call", "ret")
      .build();
    return validateFlow(flow, types).errors.map(({ code, path }) => `${code} ${path}`);
  };
  const secret = { $secret: "api_key" };

  test("takes a reference where a text goes, and nowhere else", () => {
    expect(check({ constants: { text: secret, many: { Authorization: secret } }, config: { key: secret } })).toEqual(
      [],
    );
    expect(check({ constants: { count: secret } })).toEqual(["TYPE_MISMATCH constants.count"]);
    expect(check({ config: { size: secret } })).toEqual(["BAD_CONFIG config.size"]);
    expect(check({ constants: { text: { $secret: "../etc" } } })).toEqual(["TYPE_MISMATCH constants.text"]);
  });

  test("refuses it in the config of a node that no actor runs", () => {
    const flow = flowBuilder()
      .node("start", "start")
      .node("ret", "return", { config: { name: secret } })
      .chain("start", "ret")
      .build();
    expect(validateFlow(flow, fixtureTypes).errors).toMatchObject([{ code: "BAD_CONFIG", node_id: "ret" }]);
  });
});
