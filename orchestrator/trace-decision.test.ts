import { headers } from "@nats-io/transport-node";
import { describe, expect, test } from "vitest";
import { rootSpanId, traceIdOfRun, writeTraceparent } from "./run/trace-ids.ts";
import { traceOf } from "./trace-decision.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const sampled = `00-${TRACE}-${SPAN}-01`;
const unsampled = `00-${TRACE}-${SPAN}-00`;

const all = { isSampled: () => true };
const none = { isSampled: () => false };
/** As the usual sampler: what the parent says; without one, everything. */
const byParent = { isSampled: (_: string, parent: boolean | undefined) => parent ?? true };

const sent = (traceparent?: string, tracestate?: string) => {
  const made = headers();
  if (traceparent !== undefined) made.set("traceparent", traceparent);
  if (tracestate !== undefined) made.set("tracestate", tracestate);
  return made;
};
const own = { traceparent: writeTraceparent(traceIdOfRun("r1"), rootSpanId("r1")) };

describe("the trace of a run", () => {
  test.each([
    ["its publisher's", byParent, sent(sampled), { traceparent: sampled }],
    ["its publisher's, state and all", byParent, sent(sampled, "a=1"), { traceparent: sampled, tracestate: "a=1" }],
    ["its publisher's, also where that does not sample and we do", all, sent(unsampled), { traceparent: sampled }],
    ["none where its publisher does not sample", byParent, sent(unsampled, "a=1"), {}],
    ["none where we do not sample", none, sent(sampled), {}],
    ["none where nobody traces", undefined, sent(sampled), {}],
    ["its own without headers", byParent, undefined, own],
    ["its own where the header makes no sense, and then without its state", byParent, sent("00-1-2-03", "a=1"), own],
    ["without a state that is too long", byParent, sent(sampled, `a=${"x".repeat(600)}`), { traceparent: sampled }],
  ])("is %s", (_, tracing, from, expected) => {
    expect(traceOf("r1", from, tracing)).toEqual(expected);
  });
});
