/** A real OTLP receiver for tests, and trees of what it got. */
import { MockOtlpServer } from "@elastic/mockotlpserver";

export interface ReceivedSpan {
  readonly name: string;
  readonly kind: string;
  readonly traceId: string;
  readonly spanId: string;
  /** `` for the root of a trace. */
  readonly parentId: string;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly tracestate: string;
  /** Ms since 1970. */
  readonly start: number;
  readonly end: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly error: string | undefined;
  readonly exceptions: readonly Readonly<Record<string, unknown>>[];
  readonly service: string;
}

export interface TraceReceiver {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly url: string;
  /** Everything that came, repetitions too. */
  readonly spans: readonly ReceivedSpan[];
  /** The spans of a trace, each once. Throws when two with one id differ. */
  trace(traceId: string): readonly ReceivedSpan[];
  stop(): Promise<void>;
}

const KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"];

export async function startTraceReceiver(): Promise<TraceReceiver> {
  const spans: ReceivedSpan[] = [];
  const server = new MockOtlpServer({
    logLevel: "fatal",
    services: ["http"],
    httpHostname: "127.0.0.1",
    httpPort: 0,
    onTrace: (request: ExportRequest) => spans.push(...spansIn(request)),
  });
  await server.start();
  return {
    url: String(server.httpUrl).replace(/\/$/, ""),
    spans,
    trace: (traceId) => distinct(spans.filter((span) => span.traceId === traceId)),
    stop: () => server.close(),
  };
}

/** A trace as indented lines: name, kind and what `label` says. Siblings in the order of their lines, for times may be the same. */
export function treeOf(spans: readonly ReceivedSpan[], label: (span: ReceivedSpan) => string): string {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const childrenOf = (parentId: string | undefined) =>
    spans.filter((span) => (parentId === undefined ? !known.has(span.parentId) : span.parentId === parentId));
  const linesOf = (span: ReceivedSpan, depth: number): string[] => {
    const said = label(span);
    const line = `${"  ".repeat(depth)}${span.name} [${span.kind}]${said === "" ? "" : ` ${said}`}`;
    return [line, ...blocks(childrenOf(span.spanId), depth + 1)];
  };
  const blocks = (siblings: readonly ReceivedSpan[], depth: number): string[] =>
    siblings
      .map((span) => linesOf(span, depth).join("\n"))
      .sort()
      .flatMap((block) => block.split("\n"));
  return blocks(childrenOf(undefined), 0).join("\n");
}

/** Ids of parents that are not there. */
export function orphans(spans: readonly ReceivedSpan[], outer: readonly string[] = []): string[] {
  const known = new Set([...spans.map(({ spanId }) => spanId), ...outer, ""]);
  return spans.filter(({ parentId }) => !known.has(parentId)).map(({ name, parentId }) => `${name} of ${parentId}`);
}

function distinct(spans: readonly ReceivedSpan[]): ReceivedSpan[] {
  const byId = new Map<string, ReceivedSpan>();
  for (const span of spans) {
    const known = byId.get(span.spanId);
    if (known && JSON.stringify(known) !== JSON.stringify(span)) {
      throw new Error(`two spans ${span.spanId} differ:\n${JSON.stringify(known)}\n${JSON.stringify(span)}`);
    }
    byId.set(span.spanId, span);
  }
  return [...byId.values()];
}

interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}
interface Long {
  toString(): string;
}
interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[];
  }[];
}
interface WireSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly parentSpanId?: Uint8Array;
  readonly traceState?: string;
  readonly startTimeUnixNano: Long;
  readonly endTimeUnixNano: Long;
  readonly attributes?: readonly KeyValue[];
  readonly events?: readonly { readonly name: string; readonly attributes?: readonly KeyValue[] }[];
  readonly links?: readonly { readonly traceId: Uint8Array; readonly spanId: Uint8Array }[];
  readonly status?: { readonly code?: number; readonly message?: string };
}

function spansIn({ resourceSpans }: ExportRequest): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(attributesOf(resource.attributes)["service.name"]);
    return scopeSpans.flatMap(({ spans }) => spans.map((span) => received(span, service)));
  });
}

function received(span: WireSpan, service: string): ReceivedSpan {
  return {
    name: span.name,
    kind: KINDS[span.kind] ?? String(span.kind),
    traceId: hex(span.traceId),
    spanId: hex(span.spanId),
    parentId: hex(span.parentSpanId),
    links: (span.links ?? []).map((link) => ({ traceId: hex(link.traceId), spanId: hex(link.spanId) })),
    tracestate: span.traceState ?? "",
    start: Number(span.startTimeUnixNano.toString()) / 1e6,
    end: Number(span.endTimeUnixNano.toString()) / 1e6,
    attributes: attributesOf(span.attributes ?? []),
    error: span.status?.code === 2 ? (span.status.message ?? "") : undefined,
    exceptions: (span.events ?? [])
      .filter(({ name }) => name === "exception")
      .map(({ attributes }) => attributesOf(attributes ?? [])),
    service,
  };
}

function attributesOf(pairs: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, plain(value)]));
}

/** What is not set stands on the message's prototype, as a default. */
function plain(value: Readonly<Record<string, unknown>>): unknown {
  const [kind] = Object.keys(value);
  if (kind === undefined) return undefined;
  if (kind === "intValue") return Number(String(value.intValue));
  if (kind !== "arrayValue") return value[kind];
  const { values } = value.arrayValue as { values: readonly Readonly<Record<string, unknown>>[] };
  return values.map(plain);
}

function hex(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? "" : Buffer.from(bytes).toString("hex");
}
