import { expect, test } from "vitest";
import { agoText, formatSeconds, scopeText } from "./run-text.ts";
import { traceUrl } from "./server-config.ts";

test.each([
  [0, "0 ms"],
  [0.00042, "0.4 ms"],
  [0.0123, "12 ms"],
  [0.9994, "999 ms"],
  [0.9996, "1.00 s"],
  [1.234, "1.23 s"],
  [59.94, "59.9 s"],
  [59.96, "1 m 00 s"],
  [125, "2 m 05 s"],
  [3599.6, "1 h 00 m"],
  [12_000, "3 h 20 m"],
])("%d seconds are written %s", (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text);
});

test("a scope is named by its loops, counted from one", () => {
  expect(scopeText("")).toBe("Run");
  expect(scopeText("each[3]/inner[0]")).toBe("each #4 › inner #1");
});

test("a time is told by how long ago it was", () => {
  const at = "2026-01-01T00:00:00.000Z";
  const later = (seconds: number): number => Date.parse(at) + seconds * 1000;
  expect([1, 12, 125, 7300].map((seconds) => agoText(at, later(seconds)))).toEqual([
    "now",
    "12 s ago",
    "2 m ago",
    "2 h ago",
  ]);
});

test("a trace is linked to by its id, on web pages only", () => {
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  expect(traceUrl("http://jaeger:16686/trace/{trace_id}", traceparent)).toBe(
    "http://jaeger:16686/trace/0af7651916cd43dd8448eb211c80319c",
  );
  expect(traceUrl(null, traceparent)).toBeUndefined();
  expect(traceUrl("http://jaeger/{trace_id}", undefined)).toBeUndefined();
  expect(traceUrl("javascript:alert(1)//{trace_id}", traceparent)).toBeUndefined();
});
