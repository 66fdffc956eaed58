import fc from "fast-check";
import { expect, test } from "vitest";
import { quotaOf } from "./lease-quota.ts";

test("quotas add up to all partitions and differ by one at most", () => {
  const members = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(members, fc.integer({ min: 1, max: 64 }), (ids, partitions) => {
      const sorted = [...ids].sort();
      const quotas = sorted.map((id) => quotaOf(id, sorted, partitions));
      expect(quotas.reduce((sum, quota) => sum + quota, 0)).toBe(partitions);
      expect(Math.max(...quotas) - Math.min(...quotas)).toBeLessThanOrEqual(1);
    }),
  );
});

test("who is no member is due nothing", () => {
  expect(quotaOf("x", ["a", "b"], 8)).toBe(0);
});
