/** A span that was made from something that is over, not by a tracer: as data. */

export interface SpanData {
  readonly name: string;
  readonly kind: SpanDataKind;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  /** Whether the parent is another process's. */
  readonly isParentRemote: boolean;
  readonly tracestate: string | undefined;
  /** Ms since 1970. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, AttributeData>>;
  /** Why it failed; undefined: it did not. */
  readonly failure: Failure | undefined;
}

export type SpanDataKind = "internal" | "server" | "client" | "producer" | "consumer";
export type AttributeData = string | number | boolean | string[];

export interface Failure {
  readonly code: string;
  readonly message: string;
}
