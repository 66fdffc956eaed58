import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { decodeMessage, encodeMessage, findUnsafe, RefusalCounter } from "./decode.ts";
import { dispatchMessage, resultMessage, runMessage } from "./messages.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const refusalOf = (text: string, schema: z.ZodType = z.unknown()) => {
  const decoded = decodeMessage(schema, bytes(text));
  return decoded.ok ? undefined : decoded.reason;
};

describe("decodeMessage", () => {
  test("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (data) => {
        for (const schema of [dispatchMessage, resultMessage, runMessage]) decodeMessage(schema, data);
      }),
    );
  });

  test("gives back every JSON value of sane depth and keys", () => {
    const json = fc.jsonValue({ maxDepth: 20 }).filter((value) => findUnsafe(value) === undefined);
    fc.assert(
      fc.property(json, (value) => {
        const decoded = decodeMessage(z.unknown(), encodeMessage(value));
        expect(decoded).toEqual({ ok: true, value: JSON.parse(JSON.stringify(value)) });
      }),
    );
  });

  test("refuses what is not UTF-8", () => {
    expect(decodeMessage(z.unknown(), Uint8Array.from([0x22, 0xc3, 0x28, 0x22]))).toEqual({
      ok: false,
      reason: "not UTF-8",
    });
  });

  test("refuses what is not JSON, an empty message too", () => {
    expect(refusalOf("{")).toMatch(/^not JSON/);
    expect(refusalOf("")).toMatch(/^not JSON/);
  });

  test("takes user data with a key like constructor", () => {
    expect(refusalOf(`{"a":{"constructor":"Ferrari","prototype":1}}`)).toBeUndefined();
  });

  test.each(["__proto__"])("refuses the key %s at any depth", (key) => {
    expect(refusalOf(`{"${key}":1}`)).toBe(`the key ${key} is refused`);
    expect(refusalOf(`[{"a":{"b":[{"${key}":{}}]}}]`)).toBe(`the key ${key} is refused`);
    expect(refusalOf(`{"\\u00${key.charCodeAt(0).toString(16)}${key.slice(1)}":1}`)).toBe(`the key ${key} is refused`);
    expect(refusalOf(`{"a":"${key}"}`)).toBeUndefined();
  });

  test("refuses a depth bomb, and lives", () => {
    expect(refusalOf(`${"[".repeat(200)}${"]".repeat(200)}`)).toBe("nested too deeply");
    expect(refusalOf(`${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`)).toBeDefined();
    expect(refusalOf(`${"[".repeat(64)}${"]".repeat(64)}`)).toBeUndefined();
  });

  test("names the first fields that do not fit, in few words", () => {
    expect(refusalOf('{"a":1,"b":2,"c":3,"d":4}', z.object({ a: z.string(), b: z.string() }))).toMatch(/^a: .*; b: /);
    const wide = z.array(z.string());
    expect(refusalOf(JSON.stringify(new Array(1_000).fill(1)), wide)).toMatch(/and 997 more$/);
    expect(refusalOf(JSON.stringify("x".repeat(9_000)), z.literal("y".repeat(9_000)))?.length).toBeLessThanOrEqual(500);
  });

  test("refuses when a schema itself throws", () => {
    const broken = z.unknown().transform(() => {
      throw new Error("boom");
    });
    expect(refusalOf("1", broken)).toMatch(/boom/);
  });
});

describe("encodeMessage", () => {
  test("says so when there is nothing JSON could carry", () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    for (const value of [undefined, () => 1, cycle, 1n]) {
      expect(() => encodeMessage(value)).toThrow(expect.objectContaining({ code: "MalformedMessage" }));
    }
  });
});

describe("RefusalCounter", () => {
  test("counts by subject family and keeps the last reason", () => {
    const counter = new RefusalCounter();
    counter.add("rayflow.result.add.0", "first");
    counter.add("rayflow.result.mul.1", "second");
    counter.add("rayflow.run.0.r1", "third");
    expect(counter.total).toBe(3);
    expect(counter.snapshot()["rayflow.result"]).toEqual({
      count: 2,
      lastSubject: "rayflow.result.mul.1",
      lastReason: "second",
    });
  });

  test("strangers cannot make it grow", () => {
    const counter = new RefusalCounter();
    for (let at = 0; at < 1_000; at++) counter.add(`stranger${at}.x`, "no");
    expect(Object.keys(counter.snapshot()).length).toBeLessThanOrEqual(33);
    expect(counter.total).toBe(1_000);
    counter.add(`rayflow.${"x".repeat(10_000)}`, "y".repeat(70_000));
    expect(JSON.stringify(counter.snapshot()).length).toBeLessThan(20_000);
  });
});
