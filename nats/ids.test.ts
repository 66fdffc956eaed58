import { headers } from "@nats-io/transport-node";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asMessageId, runIdOf } from "./ids.ts";

describe("runIdOf", () => {
  it("is r and the first 25 base32hex digits of the sha-256", () => {
    // printf '%s' abc | sha256sum: ba7816bf 8f01cfea 414140de 5dae2223 ...
    expect(runIdOf("abc")).toBe("rn9s1dfsf077ukga183f5rbh24");
  });

  it("gives the same run for the same key and another for another", () => {
    expect(runIdOf("order-1")).toBe(runIdOf("order-1"));
    expect(runIdOf("order-1")).not.toBe(runIdOf("order-2"));
  });

  it("fits into a subject whatever the key is", () => {
    for (const key of ["", "a.b > *", "ключ", "x".repeat(5000)]) expect(runIdOf(key)).toMatch(/^r[0-9a-v]{25}$/);
  });
});

it("any text makes a message id that a header carries; what it carries as it is stays", () => {
  expect(asMessageId("r1:each@each[3]#1~abc")).toBe("r1:each@each[3]#1~abc");
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 600 }), (text) => {
      const id = asMessageId(text);
      headers().set("Nats-Msg-Id", id);
      expect(id).toMatch(/^[\x21-\x7e]{1,512}$/);
      expect(asMessageId(text)).toBe(id);
    }),
  );
  expect(asMessageId("a\r\nb")).not.toBe(asMessageId("a\rb"));
});
