import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { median, pairedRatios, quantile, spreadOf } from "./statistics.ts";

describe("quantiles", () => {
  test.each([
    [[5], 0.5, 5],
    [[1, 3], 0.5, 2],
    [[3, 1, 2], 0.5, 2],
    [[1, 2, 3, 4, 5], 0.25, 2],
    [[10, 20], 0.99, 19.9],
    [[4, 1, 3], 0, 1],
    [[4, 1, 3], 1, 4],
    [[4, 1, 3], 2, 4],
  ])("of %j at %d is %d", (values, q, expected) => {
    expect(quantile(values, q)).toBeCloseTo(expected);
  });

  test("of nothing is no number", () => {
    expect(quantile([], 0.5)).toBeNaN();
  });

  test("lie between the least and the greatest, grow with q, and leave the values alone", () => {
    const some = fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1 });
    const share = fc.double({ noNaN: true, min: 0, max: 1 });
    fc.assert(
      fc.property(some, share, share, (values, a, b) => {
        const before = [...values];
        const [low, high] = a < b ? [a, b] : [b, a];
        const { min, max } = spreadOf(values);
        expect(quantile(values, low)).toBeLessThanOrEqual(quantile(values, high) + 1e-6);
        expect(quantile(values, low)).toBeGreaterThanOrEqual(min - 1e-6);
        expect(quantile(values, high)).toBeLessThanOrEqual(max + 1e-6);
        expect(values).toEqual(before);
      }),
    );
  });
});

test("one outlier does not move the median far, and shows in the spread", () => {
  expect(spreadOf([10, 11, 900, 9, 10])).toEqual({ median: 10, min: 9, max: 900, count: 5 });
});

test("what slows both of a pair down leaves their ratio as it is", () => {
  const engine = [50, 10, 40];
  const ceiling = [100, 20, 80];
  expect(pairedRatios(engine, ceiling)).toEqual([0.5, 0.5, 0.5]);
  expect(median(engine) / median(ceiling)).toBe(0.5);
});

test("a pair without a partner, or with nothing to divide by, has no ratio", () => {
  expect(pairedRatios([1, 2, 3], [2, 0])).toEqual([0.5]);
});
