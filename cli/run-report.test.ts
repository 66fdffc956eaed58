import { expect, it } from "vitest";
import { slowestNodes } from "./run-report.ts";

it("the nodes that took longest are named, the slowest first, and none that took no time", () => {
  const times = { a: 0.1, b: 2.0004, c: 0, d: 0.02, e: 0.3, f: 0.003, g: 0.5, h: 0.0001 };
  expect(slowestNodes(times)).toEqual(["b 2.000 s, g 0.500 s, e 0.300 s, a 0.100 s, d 0.020 s"]);
  expect(slowestNodes({ start: 0, ret: 0.0004 })).toEqual([]);
});
