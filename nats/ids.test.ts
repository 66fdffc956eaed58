import { describe, expect, it } from "vitest";
import { runIdOf } from "./ids.ts";

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
