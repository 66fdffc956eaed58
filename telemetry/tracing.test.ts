import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { trace } from "@opentelemetry/api";
import { afterEach, describe, expect, test, vi } from "vitest";
import { activeTrace } from "./active-trace.ts";
import { noopTracer } from "./noop-tracer.ts";
import type { SpanData } from "./span-data.ts";
import { traceSettings } from "./trace-settings.ts";
import { startTracing, type Tracing } from "./tracing.ts";

describe("what the variables ask for", () => {
  test.each([
    ["nothing", {}],
    ["an endpoint, but no traces", { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318", OTEL_TRACES_EXPORTER: "none" }],
    ["traces, but no SDK", { OTEL_TRACES_EXPORTER: "otlp", OTEL_SDK_DISABLED: "TRUE" }],
    ["an exporter that there is not", { OTEL_TRACES_EXPORTER: "zipkin" }],
  ])("%s is off", (_, variables) => {
    expect(traceSettings(variables)).toBeUndefined();
  });

  test.each([
    [{ OTEL_TRACES_EXPORTER: "otlp" }, "http://localhost:4318/v1/traces"],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" }, "http://c:4318/v1/traces"],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "https://c/otlp/" }, "https://c/otlp/v1/traces"],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://a", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://b/in" }, "http://b/in"],
  ])("%o goes to %s", (variables, url) => {
    expect(traceSettings(variables)).toMatchObject({ url, warnings: [] });
  });

  test("headers, names and the sampler are read as the specification has them", () => {
    const settings = traceSettings({
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318",
      OTEL_EXPORTER_OTLP_HEADERS: "api-key=a%20b,x=1",
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: "x=2",
      OTEL_EXPORTER_OTLP_TIMEOUT: "2000",
      OTEL_RESOURCE_ATTRIBUTES: "service.name=shop,deployment.environment.name=test",
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.25",
    });
    expect(settings).toMatchObject({
      headers: { "api-key": "a b", x: "2" },
      timeoutMs: 2000,
      serviceName: "shop",
      resource: { "deployment.environment.name": "test" },
      sampler: { type: "ratio", ratio: 0.25, parentBased: true },
      warnings: [],
    });
  });

  test("what makes no sense is told of, without its value where that may be a secret", () => {
    const settings = traceSettings({
      OTEL_TRACES_EXPORTER: "otlp,jaeger",
      OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
      OTEL_EXPORTER_OTLP_HEADERS: "key=%zz-secret",
      OTEL_TRACES_SAMPLER: "sometimes",
      OTEL_BSP_MAX_QUEUE_SIZE: "many",
    });
    expect(settings?.warnings).toHaveLength(5);
    expect(settings?.warnings.join("\n")).not.toContain("secret");
  });
});

let tracing: Tracing | undefined;
const logger = { info: vi.fn(), warn: vi.fn() };
const closing: (() => void)[] = [];

async function start(variables: Record<string, string>): Promise<Tracing> {
  tracing = await startTracing({ service: "test", version: "1", variables, logger });
  if (!tracing) throw new Error("it is off");
  return tracing;
}

afterEach(async () => {
  await tracing?.stop(2_000);
  for (const close of closing.splice(0)) close();
  vi.clearAllMocks();
});

/** A receiver that answers with this status as soon as it may; how often it was asked. */
async function receiver(status: () => number | Promise<number>) {
  const got = { requests: 0 };
  const server = createServer((request, response) => {
    got.requests++;
    request.resume().on("end", async () => response.writeHead(await status()).end());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  closing.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return { got, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const span = (spanId: string): SpanData => ({
  name: "made",
  kind: "internal",
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId,
  parentSpanId: undefined,
  isParentRemote: false,
  tracestate: undefined,
  startMs: 1,
  endMs: 2,
  attributes: {},
  failure: undefined,
});

describe("sampling", () => {
  const TRACES = Array.from(
    { length: 1_000 },
    (_, at) =>
      `${at.toString(16).padStart(8, "0")}${"9e3779b97f4a7c15".repeat(2).slice(0, 16)}${((at * 2654435761) >>> 0).toString(16).padStart(8, "0")}`,
  );

  test("goes by the parent where there is one, by the trace id where there is none", async () => {
    const made = await start({
      OTEL_TRACES_EXPORTER: "console",
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.1",
    });
    const [trace = ""] = TRACES;
    expect([made.isSampled(trace, true), made.isSampled(trace, false)]).toEqual([true, false]);
    const taken = TRACES.filter((id) => made.isSampled(id, undefined));
    expect(taken.length / TRACES.length).toBeGreaterThan(0.05);
    expect(taken.length / TRACES.length).toBeLessThan(0.15);
    expect(TRACES.filter((id) => made.isSampled(id, undefined))).toEqual(taken);
  });

  test("always_off takes nothing, whatever the parent says", async () => {
    const made = await start({ OTEL_TRACES_EXPORTER: "console", OTEL_TRACES_SAMPLER: "always_off" });
    expect([made.isSampled(TRACES[1] ?? "", true), made.isSampled(TRACES[1] ?? "", undefined)]).toEqual([false, false]);
  });
});

describe("spans that were made as data", () => {
  test("are out when that is said, in batches", async () => {
    const { got, url } = await receiver(() => 200);
    const made = await start({
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "10",
      OTEL_BSP_SCHEDULE_DELAY: "5",
    });
    await made.send(Array.from({ length: 25 }, (_, at) => span(at.toString(16).padStart(16, "0"))));
    expect(got.requests).toBe(3);
  });

  test("are given up when the receiver refuses them: it is told of once, and nobody waits from then on", async () => {
    const { got, url } = await receiver(() => 400);
    const made = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_BSP_SCHEDULE_DELAY: "5" });
    await made.send([span("1".repeat(16))]);
    await made.send([span("2".repeat(16))]);
    await vi.waitFor(() => expect(got.requests).toBe(2));
    expect(logger.warn).toHaveBeenCalledTimes(1);
  });

  test("find no room when too many wait: those before them stay whole", async () => {
    let answer = (_: number): void => {};
    const { got, url } = await receiver(
      () =>
        new Promise<number>((done) => {
          answer = done;
        }),
    );
    const made = await start({
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_BSP_MAX_QUEUE_SIZE: "10",
      OTEL_BSP_SCHEDULE_DELAY: "100000",
    });
    const first = made.send(Array.from({ length: 8 }, (_, at) => span(`1${at.toString(16).padStart(15, "0")}`)));
    await made.send(Array.from({ length: 8 }, (_, at) => span(`2${at.toString(16).padStart(15, "0")}`)));
    expect(logger.warn).toHaveBeenCalledTimes(1);
    const flushed = made.flush(5_000);
    await vi.waitFor(() => expect(got.requests).toBe(1));
    answer(200);
    await Promise.all([first, flushed]);
  });
});

describe("a span around work", () => {
  test("is the active one for all that the work waits for, and what a program sends belongs to it", async () => {
    const made = await start({
      OTEL_TRACES_EXPORTER: "none,otlp",
      OTEL_EXPORTER_OTLP_ENDPOINT: (await receiver(() => 200)).url,
    });
    expect(await activeTrace()).toBeUndefined();
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const inside = await made.inSpan(
      { name: "work", kind: "server", parent: { traceparent, tracestate: "a=1" } },
      async () => {
        await delay(2);
        return activeTrace();
      },
    );
    expect(inside?.traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/);
    expect(inside?.tracestate).toBe("a=1");
    expect(trace.getActiveSpan()).toBeUndefined();
  });

  test("is still the active one in work that goes on while another one ends", async () => {
    const made = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: (await receiver(() => 200)).url });
    const long = made.inSpan({ name: "long", kind: "server" }, async () => {
      await delay(30);
      return trace.getActiveSpan() !== undefined;
    });
    await made.inSpan({ name: "short", kind: "server" }, () => delay(1));
    expect(await long).toBe(true);
  });
});

test("a tracer where nobody traces calls the work, and does nothing else", () => {
  expect(noopTracer.startActiveSpan("a", (span) => [span.isRecording(), 1])).toEqual([false, 1]);
  expect(noopTracer.startActiveSpan("a", {}, (span) => span.setAttribute("x", 1).isRecording())).toBe(false);
  noopTracer.startSpan("b").setAttributes({}).addEvent("e").end();
});
