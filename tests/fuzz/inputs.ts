/** What is thrown at a running system, by entry: messages on every subject with their headers, requests, HTTP. */
import fc from "fast-check";
import { partitionOf } from "../../nats/index.ts";
import { bytesOf, near, token } from "./mutations.ts";

export interface MessageInput {
  readonly kind: "publish" | "request";
  readonly entry: string;
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers: readonly (readonly [string, string])[];
}

export interface HttpInput {
  readonly kind: "http";
  readonly entry: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Bytes that pretend to be HTTP. */
export interface RawInput {
  readonly kind: "raw";
  readonly entry: string;
  readonly bytes: Uint8Array;
}

export type FuzzInput = MessageInput | HttpInput | RawInput;

/** What the campaign knows of the system under test. */
export interface Surroundings {
  readonly flows: readonly unknown[];
  /** A run that waits, and the node that it waits at. */
  readonly run: string;
  readonly partition: number;
  readonly partitions: number;
  /** Every operation of the OpenAPI document. */
  readonly operations: readonly { readonly method: string; readonly path: string }[];
  /** Every endpoint of the service. */
  readonly endpoints: readonly string[];
}

const header: fc.Arbitrary<readonly [string, string]> = fc.tuple(
  fc.constantFrom(
    "Nats-Msg-Id",
    "Rayflow-Reply",
    "traceparent",
    "tracestate",
    "Nats-Rollup",
    "Nats-TTL",
    "Nats-Schedule",
    "Nats-Expected-Last-Sequence",
    "Nats-Expected-Stream",
    "X-Any",
  ),
  fc.oneof(
    fc.constantFrom(
      "all",
      "1",
      "-1",
      "9999999999999",
      "rayflow.run.0.x",
      "$JS.API.INFO",
      "a b",
      ">",
      "fuzz.reply",
      "x".repeat(500),
    ),
    fc.constantFrom("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-zz-01", "@at 2020-01-01T00:00:00Z"),
    fc.stringMatching(/^[ -~]{0,40}$/),
  ),
);

/** Every input that there may be. */
export function inputs(on: Surroundings): fc.Arbitrary<FuzzInput> {
  const { run, partition } = on;
  const flows = near(on.flows);
  const submissions = fc.oneof(
    near(
      on.flows.flatMap((flow) => [
        flow,
        { flow, inputs: { x: 1, y: 2 }, options: { debug: true, breakpoints: ["a"] } },
      ]),
    ),
    flows.map((flow) => ({ flow, inputs: {} })),
    near([
      { flowRef: "sum", inputs: {} },
      { rerun: { run, from: "a", inputs: {} } },
      { flowRef: "sum@1", options: { events: false } },
    ]),
  );
  const results = near([{ v: 1, type: "math_add", results: [result(run, "ok"), result(run, "error")] }]);
  const runMessages = near(runMessagesOf(run, on.flows[0]));
  const dispatches = near([{ v: 1, type: "math_add", entries: [dispatch(run, partition), dispatch(run, partition)] }]);
  const message = (
    entry: string,
    kind: MessageInput["kind"],
    subject: fc.Arbitrary<string>,
    content: fc.Arbitrary<unknown>,
  ): fc.Arbitrary<FuzzInput> =>
    fc
      .record({
        subject,
        payload: bytesOf(content),
        headers: fc.oneof(
          { weight: 2, arbitrary: fc.constant([]) },
          { weight: 1, arbitrary: fc.array(header, { maxLength: 3 }) },
        ),
      })
      .map((input) => ({ kind, entry, ...input }));
  const anyPartition = fc.oneof(fc.constant(`${partition}`), fc.nat(on.partitions).map(String), token);
  const anyRun = fc.oneof({ weight: 3, arbitrary: fc.constant(run) }, { weight: 1, arbitrary: token });
  return fc.oneof(
    { weight: 4, arbitrary: message("submission", "publish", fc.constant("rayflow.flow.run"), submissions) },
    {
      weight: 2,
      arbitrary: message(
        "submission to a flow",
        "publish",
        token.map((name) => `rayflow.flow.run.${name}`),
        near([{ x: 1 }, { inputs: { x: 1 }, options: {} }]),
      ),
    },
    {
      weight: 5,
      arbitrary: message(
        "result",
        "publish",
        fc
          .tuple(fc.constantFrom("math_add", "math_multiply", "io_file_read"), anyPartition)
          .map(([type, of]) => `rayflow.result.${type}.${of}`),
        results,
      ),
    },
    {
      weight: 5,
      arbitrary: message(
        "run message",
        "publish",
        fc.tuple(anyPartition, anyRun).map(([of, id]) => `rayflow.run.${of}.${id}`),
        runMessages,
      ),
    },
    {
      weight: 1,
      arbitrary: message(
        "run message with bad names",
        "publish",
        anyRun.map((id) => `rayflow.run.${partitionOf(id, on.partitions)}.${id}`),
        nameless(run, on.flows[0]),
      ),
    },
    {
      weight: 4,
      arbitrary: message(
        "dispatch",
        "publish",
        fc.constantFrom("rayflow.node.math_add", "rayflow.node.string_format"),
        dispatches,
      ),
    },
    {
      weight: 1,
      arbitrary: message(
        "cancel",
        "publish",
        anyRun.map((id) => `rayflow.cancel.${id}`),
        near([{ v: 1, run, executions: [`${run}:a@#1`] }]),
      ),
    },
    {
      weight: 1,
      arbitrary: message(
        "event",
        "publish",
        fc.tuple(anyRun, token).map(([id, kind]) => `rayflow.event.${id}.${kind}`),
        near([{ v: 1, kind: "node", run_id: run, seq: 1, nodes: [] }]),
      ),
    },
    {
      weight: 1,
      arbitrary: message(
        "timer",
        "publish",
        fc.tuple(anyPartition, anyRun, token).map(([of, id, timer]) => `rayflow.fire.${of}.${id}.${timer}`),
        fc.constant(""),
      ),
    },
    {
      weight: 5,
      arbitrary: message(
        "request",
        "request",
        fc.constantFrom(...on.endpoints),
        fc.oneof(flows, near(requestsOf(run, on.flows[0]))),
      ),
    },
    { weight: 10, arbitrary: http(on) },
    { weight: 1, arbitrary: raw(on) },
  );
}

function result(run: string, status: "ok" | "error") {
  const base = { id: `${run}:a@#1`, run, status, started_at: 1, duration_ms: 1, actor: "fuzz", token: "A".repeat(22) };
  return status === "ok"
    ? { ...base, outputs: { result: 1 }, exec: ["finish"] }
    : { ...base, error: { code: "Broken", message: "it broke", retryable: true, details: { a: 1 } } };
}

function dispatch(run: string, partition: number) {
  const base = {
    kind: "exec",
    id: `${run}:zz@#1`,
    run,
    flow: "sum",
    partition,
    node: "zz",
    scope: "each[3]",
    attempt: 1,
  };
  const more = {
    timeout_ms: 1_000,
    heartbeat_ms: 500,
    deadline: 9e12,
    cache: { ttl_ms: 1000, key: "{x}" },
    inline: ["a"],
  };
  return {
    ...base,
    inputs: { x: 1, y: 2, template: "{a}", values: { a: 1 } },
    config: {},
    ...more,
    lost: 1,
    secrets: ["x"],
  };
}

function runMessagesOf(run: string, flow: unknown): unknown[] {
  const of = (kind: string, more: object) => ({ v: 1, kind, run, ...more });
  return [
    of("signal", { signal: "never", payload: { a: 1 }, id: "i1" }),
    of("timer", { id: "t1" }),
    of("control", { action: "pause" }),
    of("control", { action: "resume" }),
    of("control", { action: "breakpoints", nodes: ["a", "wait"], id: "c1" }),
    of("control", { action: "retry", node: "a" }),
    of("undeliverable", { id: `${run}:a@#1`, error: { code: "X", message: "x", retryable: false } }),
    of("submitted", { flow, types: [], inputs: {}, options: {}, blueprint: "x", limits: { iterations: 3 } }),
    of("submitted_ref", { inputs: {}, options: {}, blueprint: "nothing", parent: { run, execution: "x", depth: 3 } }),
  ];
}

/** Run messages that are right but for names that no key and no subject can have. */
function nameless(run: string, flow: unknown): fc.Arbitrary<unknown> {
  const name = fc.oneof(fc.constantFrom("", "%00", "a b", "a.b", "*", ">", "é", "..", "x".repeat(3_000)), token);
  return fc
    .record({ kind: fc.constantFrom("submitted_ref", "submitted"), blueprint: name, other: name, execution: name })
    .map(({ kind, blueprint, other, execution }) => ({
      ...{ v: 1, kind, run, inputs: {}, options: {}, blueprint, reply: other, traceparent: other },
      ...(kind === "submitted" ? { flow, types: [] } : {}),
      parent: { run: other, execution, depth: 1, root: other },
    }));
}

function requestsOf(run: string, flow: unknown): unknown[] {
  return [
    { run, signal: "never", payload: 1, id: "s1" },
    { run, node: "wait", from: "a", inputs: { x: 1 }, nodes: ["wait"], reason: "why" },
    { name: "fuzz", flow, revision: 1, version: "1" },
    { scope: "global", name: "fuzz", value: { a: 1 }, revision: 0 },
    { status: "running", flow: "sum", limit: 3, cursor: "abc", search: "x" },
  ];
}

function http({ operations, flows, run }: Surroundings): fc.Arbitrary<HttpInput> {
  const inPath = fc.oneof(
    fc.constantFrom(run, "sum", "global", "%2e%2e", "%00", "%ff", "..", "a%2Fb", "1".repeat(400)),
    token,
  );
  const query = fc.array(
    fc.tuple(
      fc.constantFrom(
        "limit",
        "cursor",
        "status",
        "flow",
        "wait",
        "from",
        "seq",
        "after",
        "scope",
        "revision",
        "node",
        "x",
      ),
      fc.oneof(fc.constantFrom("1", "-1", "0", "1e99", "NaN", "[]", "%", "a&b", "2020-01-01", "running"), token),
    ),
    { maxLength: 3 },
  );
  const headers = fc.dictionary(
    fc.constantFrom(
      "content-type",
      "accept",
      "idempotency-key",
      "if-match",
      "if-none-match",
      "origin",
      "last-event-id",
      "authorization",
      "content-encoding",
      "traceparent",
      "prefer",
      "range",
      "x-any",
    ),
    fc.constantFrom(
      "application/json",
      "text/plain",
      "text/event-stream",
      "*",
      '"1"',
      "W/x",
      "http://evil.example",
      "1",
      "-5",
      "gzip",
      "Bearer x",
      "x".repeat(300),
      "bytes=0-1",
    ),
    { maxKeys: 3 },
  );
  const bodies = near([
    ...flows,
    ...flows.map((flow) => ({ flow, inputs: { x: 1, y: 2 }, options: {}, wait: 0 })),
    {
      inputs: { x: 1 },
      value: 3,
      name: "fuzz",
      revision: 1,
      payload: { a: 1 },
      nodes: ["wait"],
      from: "a",
      reason: "why",
    },
  ]);
  return fc
    .record({
      operation: fc.constantFrom(...operations),
      parts: fc.array(inPath, { minLength: 4, maxLength: 4 }),
      query,
      headers,
      body: bytesOf(bodies),
      // Mostly the operation's own: another one comes no further than the router.
      method: fc.oneof(
        { weight: 4, arbitrary: fc.constant(undefined) },
        {
          weight: 1,
          arbitrary: fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"),
        },
      ),
    })
    .map(({ operation, parts, query, headers, body, method }) => {
      let at = 0;
      const path = operation.path.replace(/\{[^}]+\}/g, () => parts[at++ % parts.length] ?? "");
      const asked = query.map(([name, value]) => `${name}=${value}`).join("&");
      const verb = method ?? operation.method;
      return {
        kind: "http",
        entry: `${operation.method} ${operation.path}`,
        method: verb,
        path: asked === "" ? path : `${path}?${asked}`,
        headers: { "content-type": "application/json", ...headers },
        body: verb === "GET" || verb === "HEAD" ? new Uint8Array() : body,
      };
    });
}

function raw({ operations }: Surroundings): fc.Arbitrary<RawInput> {
  const lines = fc.constantFrom(
    "POST /api/flows/execute HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n{}",
    "POST /api/flows/execute HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
    `GET ${operations[0]?.path} HTTP/9.9\r\n\r\n`,
    `GET /${"a".repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
    "GET http://[::1 HTTP/1.1\r\nhost: x\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  );
  return fc.oneof(
    lines.map((text) => ({ kind: "raw" as const, entry: "raw HTTP", bytes: Buffer.from(text) })),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => ({ kind: "raw" as const, entry: "raw HTTP", bytes })),
  );
}
