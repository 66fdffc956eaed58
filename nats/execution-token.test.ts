import { createHash, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { executionTokens, parseTokenKeys } from "./execution-token.ts";

const key = randomBytes(32);
const other = randomBytes(32);

describe("execution tokens", () => {
  test("a token is the SHA-256 of the key, as a whole block, and the execution id, cut", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 100 }), fc.string({ unit: "grapheme" }), (secret, id) => {
        const block = Buffer.alloc(64);
        block.set(secret.length > 64 ? createHash("sha256").update(secret).digest() : secret);
        const whole = createHash("sha256").update(block).update(id, "utf8").digest("base64url");
        expect(executionTokens([secret]).sign(id)).toBe(whole.slice(0, 22));
      }),
    );
  });

  test("ids of any length are hashed whole", () => {
    const tokens = executionTokens([key]);
    const long = "ü".repeat(5_000);
    expect(tokens.sign(`${long}a`)).not.toBe(tokens.sign(`${long}b`));
    expect(tokens.verify(`${long}a`, tokens.sign(`${long}a`))).toBe(true);
  });

  test("only the execution's own token is taken, whole", () => {
    const tokens = executionTokens([key]);
    const token = tokens.sign("r1:a@#1");
    expect(tokens.verify("r1:a@#1", token)).toBe(true);
    expect(tokens.verify("r1:a@#2", token)).toBe(false);
    for (const wrong of [undefined, "", token.slice(1), `${token}A`, "ü".repeat(22), token.toUpperCase()]) {
      expect(tokens.verify("r1:a@#1", wrong)).toBe(false);
    }
  });

  test("the first key signs, all verify", () => {
    const before = executionTokens([other]).sign("r1:a@#1");
    const rotated = executionTokens([key, other]);
    expect(rotated.verify("r1:a@#1", before)).toBe(true);
    expect(rotated.sign("r1:a@#1")).toBe(executionTokens([key]).sign("r1:a@#1"));
    expect(executionTokens([key]).verify("r1:a@#1", before)).toBe(false);
  });

  test("a message id keeps what it is made from in front, and is no token of anything", () => {
    const tokens = executionTokens([key]);
    const id = tokens.messageId("r1:finished");
    expect(id).toMatch(/^r1:finished~[\w-]{22}$/);
    expect(id.slice(-22)).not.toBe(tokens.sign("r1:finished"));
    expect(tokens.messageId("r1:finished")).toBe(id);
  });

  test("short keys and none are refused", () => {
    expect(() => executionTokens([])).toThrow(/need a key/);
    expect(() => executionTokens([randomBytes(15)])).toThrow(/16 bytes/);
    expect(() => parseTokenKeys("c2hvcnQ")).toThrow(/token key 1/);
    expect(parseTokenKeys(`${key.toString("base64url")}, ${other.toString("base64url")}`)).toEqual([key, other]);
  });
});
