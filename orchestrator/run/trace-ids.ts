/**
 * Trace and span ids of a run. They follow from the run and its executions, so that whoever folds the log names the same
 * spans the same way, and an actor's span finds its parent before that is exported.
 */

/** A W3C `traceparent`, read. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 1;

/** Undefined when it is none: then it counts as if nobody had sent one. */
export function parseTraceparent(text: string | undefined): TraceParent | undefined {
  const found = text === undefined ? null : TRACEPARENT.exec(text);
  if (!found) return undefined;
  const [, version = "", traceId = "", spanId = "", flags = "", more] = found;
  // Later versions may add fields; version 00 has none.
  if (version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED };
}

/** The `traceparent` of what is sampled. */
export function writeTraceparent(traceId: string, spanId: string): string {
  return `00-${traceId}-${spanId}-01`;
}

/** The trace of a run that belongs to nobody else's. */
export function traceIdOfRun(run: string): string {
  return hash64(run, 1) + hash64(run, 2);
}

/** `run_flow`. */
export function rootSpanId(run: string): string {
  return hash64(run, 0);
}

/** Of an activation, an execution, or an iteration, by its id. */
export function spanIdOf(id: string): string {
  return hash64(id, 0);
}

/** What of a run in the trace of `traceparent` goes out under a span of this id. */
export function under(traceparent: string, id: string): string {
  return `00-${traceparent.slice(3, 35)}-${hash64(id, 0)}-01`;
}

/** 16 hex digits that depend on the text alone, never all zero: two lanes of 32 bits that are mixed at the end. */
function hash64(text: string, seed: number): string {
  let a = 0x9e3779b9 ^ seed;
  let b = 0x7f4a7c15 ^ (seed << 16);
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    a = Math.imul(a ^ unit, 0x01000193);
    a = (a << 13) | (a >>> 19);
    b = Math.imul(b ^ unit, 0x2545f491);
    b = (b << 17) | (b >>> 15);
  }
  a = mix(a ^ text.length);
  b = mix(b + a);
  a = mix(a + b);
  return hex(a === 0 && b === 0 ? 1 : a) + hex(b);
}

function mix(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x21f0aaad);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x735a2d97);
  return mixed ^ (mixed >>> 15);
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
