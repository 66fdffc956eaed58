import { describe, expect, test } from "vitest";
import { parseTraceparent, rootSpanId, spanIdOf, traceIdOfRun, under, writeTraceparent } from "./trace-ids.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

describe("a traceparent", () => {
  test.each([
    ["sampled", `00-${TRACE}-${SPAN}-01`, { traceId: TRACE, spanId: SPAN, sampled: true }],
    ["not sampled", `00-${TRACE}-${SPAN}-00`, { traceId: TRACE, spanId: SPAN, sampled: false }],
    ["of a later version", `cc-${TRACE}-${SPAN}-03-more`, { traceId: TRACE, spanId: SPAN, sampled: true }],
    ["of version 00 with more than there is", `00-${TRACE}-${SPAN}-01-more`, undefined],
    ["of the version that is none", `ff-${TRACE}-${SPAN}-01`, undefined],
    ["without a trace", `00-${"0".repeat(32)}-${SPAN}-01`, undefined],
    ["without a span", `00-${TRACE}-${"0".repeat(16)}-01`, undefined],
    ["in capitals", `00-${TRACE.toUpperCase()}-${SPAN}-01`, undefined],
    ["that is something else", "00-1-2-03", undefined],
    ["that is absent", undefined, undefined],
  ])("%s", (_, text, expected) => {
    expect(parseTraceparent(text)).toEqual(expected);
  });
});

describe("derived ids", () => {
  test("are well formed and never change: spans of a recovery must be those of before", () => {
    expect(traceIdOfRun("r1")).toMatchInlineSnapshot(`"ebab33c648fc9a1ff2c3e699b515ec52"`);
    expect(rootSpanId("r1")).toMatchInlineSnapshot(`"dbf6a8ccc39df701"`);
    expect(under(writeTraceparent(TRACE, SPAN), "r1:add@each[3]#2")).toMatchInlineSnapshot(
      `"00-0af7651916cd43dd8448eb211c80319c-59b5bfb0214c6343-01"`,
    );
    expect(parseTraceparent(under(writeTraceparent(TRACE, SPAN), "x"))?.spanId).toBe(spanIdOf("x"));
  });

  test("differ for two hundred thousand executions, also where little does", () => {
    const seen = new Set<string>();
    for (let node = 0; node < 100; node++) {
      for (let index = 0; index < 1_000; index++) {
        for (const attempt of [1, 2]) seen.add(spanIdOf(`r0123:n${node}@each[${index}]#${attempt}`));
      }
    }
    expect(seen.size).toBe(200_000);
  });

  test("are spread evenly: a sampler takes its share of the traces", () => {
    let low = 0;
    for (let at = 0; at < 20_000; at++)
      if (Number.parseInt(traceIdOfRun(`r${at}`).slice(-8), 16) < 2 ** 32 * 0.1) low++;
    expect(low / 20_000).toBeGreaterThan(0.09);
    expect(low / 20_000).toBeLessThan(0.11);
  });
});
