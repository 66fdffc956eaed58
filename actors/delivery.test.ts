import { expect, it } from "vitest";
import { deliveryCountOf, storedAtOf } from "./delivery.ts";

it("a reply subject says how often the message came and since when the queue has it, with and without a domain", () => {
  const plain = "$JS.ACK.RAYFLOW_NODES.math_add.2.17.16.1732195200123456789.4";
  expect(deliveryCountOf(plain)).toBe(2);
  expect(storedAtOf(plain)).toBeCloseTo(1732195200123.456, 2);
  const withDomain = "$JS.ACK.hub.Axy12.RAYFLOW_NODES.math_add.3.17.16.1732195200123456789.4.r4nd0m";
  expect(deliveryCountOf(withDomain)).toBe(3);
  expect(storedAtOf(withDomain)).toBeCloseTo(1732195200123.456, 2);
});

it("any other subject says nothing", () => {
  for (const subject of ["", "_INBOX.x", "$JS.ACK.RAYFLOW_NODES.x", "$JS.ACK.RAYFLOW_NODES.a.b.c.d.e.f"]) {
    expect(storedAtOf(subject)).toBeUndefined();
  }
});
