import { expect, test } from "vitest";
import { type CpuProfile, flameGraph, framesOf, heaviest } from "./flame-graph.ts";

const node = (id: number, functionName: string, url: string, children: number[] = []) => ({
  id,
  callFrame: { functionName, url, lineNumber: 0 },
  children,
});

const profile: CpuProfile = {
  nodes: [
    node(1, "(root)", "", [2, 5, 6]),
    node(2, "fold", "file:///home/somebody/checkout/dist/orchestrator/run/fold.js", [3, 4]),
    node(3, "parse", "file:///home/somebody/checkout/node_modules/@nats-io/nats-core/lib/parser.js"),
    node(4, "a<b", "file:///home/somebody/checkout/dist/orchestrator/run/fold.js"),
    node(5, "(idle)", ""),
    node(6, "(garbage collector)", ""),
  ],
  samples: [2, 2, 3, 5, 4, 6],
  timeDeltas: [1_000, 30, 40, 500, 20, 10],
};

test("time is where it was spent and in all callers; idle time and what came first count for nothing", () => {
  const root = framesOf(profile, 1_010);
  expect(root.us).toBe(100);
  const fold = root.calls.get("fold orchestrator/run/fold.js");
  expect(fold).toMatchObject({ us: 90, kind: "own" });
  expect(fold?.calls.get("parse @nats-io/nats-core/lib/parser.js")).toMatchObject({ us: 40, kind: "package" });
  expect(root.calls.get("(garbage collector)")).toMatchObject({ us: 10, kind: "runtime" });
  expect(heaviest(root, 2)).toEqual([
    ["parse @nats-io/nats-core/lib/parser.js", 0.4],
    ["fold orchestrator/run/fold.js", 0.3],
  ]);
});

test("a sample that was taken late does not stand for all the time before it", () => {
  const late = { ...profile, timeDeltas: [1_000, 30, 40, 500, 3_000_000, -10] };
  expect(framesOf(late, 1_010).us).toBe(30 + 40 + 5_000);
});

test("the graph names what it shows, and nothing of the machine", () => {
  const svg = flameGraph(framesOf(profile), "orchestrator <W1>");
  expect(svg).toContain("a&#60;b orchestrator/run/fold.js 1.8%");
  expect(svg).toContain("orchestrator &#60;W1&#62;");
  expect(svg).not.toContain("somebody");
  expect(svg.match(/<rect/g)).toHaveLength(1 + 5);
});
