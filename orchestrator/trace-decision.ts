/**
 * Whether a run is traced, decided once, where its submission is taken in. What is decided lies in the log, so everything
 * later follows from it: other orchestrators, actors and child runs ask nobody.
 */
import type { MsgHdrs } from "@nats-io/transport-node";
import { headerNames, type SubmittedMessage } from "../nats/index.ts";
import type { Tracing } from "../telemetry/index.ts";
import { parseTraceparent, rootSpanId, traceIdOfRun, writeTraceparent } from "./run/trace-ids.ts";

/** The W3C recommendation asks to pass on at least so much. */
const MAX_TRACESTATE = 512;

/**
 * The trace that a run belongs to: the publisher's, when it sent one, else one of its own. Nothing: it is not traced.
 * Without `tracing` no run is: nobody would make the spans that its actors' are children of.
 */
export function traceOf(
  run: string,
  headers: Pick<MsgHdrs, "get"> | undefined,
  tracing: Pick<Tracing, "isSampled"> | undefined,
): Pick<SubmittedMessage, "traceparent" | "tracestate"> {
  if (tracing === undefined) return {};
  const parent = parseTraceparent(headers?.get(headerNames.traceparent) || undefined);
  const traceId = parent?.traceId ?? traceIdOfRun(run);
  if (!tracing.isSampled(traceId, parent?.sampled)) return {};
  const traceparent = writeTraceparent(traceId, parent?.spanId ?? rootSpanId(run));
  const tracestate = parent && headers?.get(headerNames.tracestate);
  return { traceparent, ...(tracestate && tracestate.length <= MAX_TRACESTATE ? { tracestate } : {}) };
}
