/** What real processes show at /metrics, /healthz and /readyz. */

import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { flowBuilder } from "../flow/testing.ts";
import { connectNats, subjects } from "../nats/index.ts";
import { METRICS, type MetricName, type MetricRow } from "../telemetry/index.ts";
import { type RunningCommand, rayflow, startDev, startRayflow, temporaryFolder } from "./rayflow-process.ts";

const MOODY = `import { defineNode, z } from "rayflow";
export default defineNode({
  type: "test_moody", title: "Moody", category: "test",
  inputs: { fails: z.number().int() }, outputs: { attempt: z.number().int() },
  run: ({ inputs, ctx }) => {
    if (ctx.attempt <= inputs.fails) throw new Error("not in the mood");
    return { attempt: ctx.attempt };
  },
});
`;

/** Every sample line of a page, by its name and labels. */
type Page = ReadonlyMap<string, number>;

async function pageOf(url: string): Promise<Page> {
  const answer = await fetch(`${url}/metrics`);
  expect(answer.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  const lines = (await answer.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const [, series = "", value = ""] = /^(\w+(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
      expect(series, `not a sample: ${line}`).not.toBe("");
      return [series, Number(value.replace("Inf", "Infinity"))];
    }),
  );
}

const namesIn = (page: Page) => new Set([...page.keys()].map((series) => series.replace(/\{.*/, "")));

/** Values of a metric whose labels hold all of these. */
function sumOf(page: Page, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const found = [...page].filter(
    ([series]) => series.replace(/\{.*/, "") === name && wanted.every((pair) => series.includes(pair)),
  );
  return found.reduce((sum, [, value]) => sum + value, 0);
}

async function statusOf(url: string): Promise<{ status: number; json: Record<string, unknown> }> {
  const answer = await fetch(url);
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
}

const folder = temporaryFolder();
let dev: Awaited<ReturnType<typeof startDev>>;
let gatewayUrl: string;
const others: RunningCommand[] = [];
/** An OTLP receiver: the paths that were asked for, and how much came. */
const received: { path: string; bytes: number; key: string | undefined }[] = [];
const receiver = createServer((request: IncomingMessage, response) => {
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  request.on("end", () => {
    received.push({ path: request.url ?? "", bytes, key: request.headers["x-key"]?.toString() });
    response.writeHead(200).end();
  });
});

const moody = (name: string, fails: number) =>
  flowBuilder({ name })
    .node("start", "start")
    .node("moody", "test_moody", {
      constants: { fails },
      policy: {
        retry: {
          max_attempts: 2,
          initial_interval: "10ms",
          backoff: 1,
          max_interval: "1s",
          jitter: false,
          non_retryable: [],
        },
      },
    })
    .node("ret", "return")
    .chain("start", "moody", "ret")
    .build();
const sum = { flow: JSON.parse("{}") as unknown };

async function run(flow: unknown, inputs: object = {}) {
  const answer = await fetch(`${gatewayUrl}/api/flows/execute`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ flow, inputs }),
  });
  return (await answer.json()) as { success?: boolean; status?: string; run_id?: string };
}

beforeAll(async () => {
  mkdirSync(path.join(folder.path, "nodes", "test"), { recursive: true });
  writeFileSync(path.join(folder.path, "nodes", "test", "moody.ts"), MOODY);
  sum.flow = JSON.parse(
    await import("node:fs/promises").then(({ readFile }) => readFile("examples/flows/sum.json", "utf8")),
  ).flow;
  await new Promise<void>((done) => receiver.listen(0, "127.0.0.1", done));
  dev = await startDev(["--nodes-dir", path.join(folder.path, "nodes"), "--http-port", "0"]);
  gatewayUrl = (JSON.parse(dev.stdout) as { gateway_url: string }).gateway_url;
}, 60_000);
afterAll(async () => {
  for (const { child, ended } of others) {
    child.kill("SIGTERM");
    await ended;
  }
  await dev.stop();
  receiver.close();
  folder.remove();
}, 60_000);

describe("rayflow dev", () => {
  it("shows every metric of the table after some runs, counted right", async () => {
    for (let at = 0; at < 3; at++) expect(await run(sum.flow, { x: at, y: 1 })).toMatchObject({ success: true });
    expect(await run(moody("retried", 1))).toMatchObject({ success: true });
    expect(await run(moody("lost", 2))).toMatchObject({ success: false, status: "failed" });
    // What is refused: a flow with nothing in it, and messages that make no sense, for the log and for an actor.
    const nc = await connectNats({ servers: dev.url, name: "test" });
    await nc.request(subjects.submit(), JSON.stringify({ flow: { nodes: [], edges: [] } }));
    await nc.request(subjects.result("math_add", 1), "not JSON");
    await nc.request(subjects.node("math_add"), "not JSON");
    // And work that nobody takes.
    await nc.request(subjects.node("test_nobody"), "{}");
    await nc.close();

    await expect
      .poll(async () => {
        const page = await pageOf(gatewayUrl);
        return [
          sumOf(page, "rayflow_submissions_refused_total", { code: "InvalidFlow" }),
          sumOf(page, "rayflow_messages_refused_total", { subject: "rayflow.result", reason: "json" }),
          sumOf(page, "rayflow_actor_refused_total", { reason: "malformed" }),
          sumOf(page, "rayflow_runs_finished_total", { flow: "lost", status: "failed" }),
          sumOf(page, "rayflow_queue_messages", { type: "test_nobody" }),
        ];
      })
      .toEqual([1, 1, 1, 1, 1]);
    const page = await pageOf(gatewayUrl);
    const names = namesIn(page);
    const missing = (Object.keys(METRICS) as MetricName[]).filter((name) => {
      const { kind }: MetricRow = METRICS[name];
      const wanted = kind === "histogram" ? ["_bucket", "_sum", "_count"].map((end) => name + end) : [name];
      // Shown only once a model was asked (deliberation/deliberation.int.test.ts).
      if (/^rayflow_(model|deliberation)/.test(name)) return false;
      return !wanted.every((one) => names.has(one));
    });
    expect(missing).toEqual([]);
    const unknown = [...names].filter((name) => {
      const row: MetricRow | undefined =
        METRICS[name as MetricName] ?? METRICS[name.replace(/_(bucket|sum|count)$/, "") as MetricName];
      return row === undefined && name !== "target_info";
    });
    expect(unknown).toEqual([]);

    const of = (name: MetricName | `${MetricName}_count`, labels = {}) => sumOf(page, name, labels);
    expect(of("rayflow_runs_started_total", { flow: "retried" })).toBe(1);
    expect(of("rayflow_runs_finished_total", { flow: "retried", status: "succeeded" })).toBe(1);
    expect(of("rayflow_runs_finished_total", { status: "succeeded" })).toBe(4);
    expect(of("rayflow_run_duration_seconds_count")).toBe(5);
    expect(of("rayflow_run_failures_total", { code: "NodeExecutionError" })).toBe(1);
    expect(of("rayflow_steps_sent_total", { type: "test_moody" })).toBe(4);
    expect(of("rayflow_step_retries_total", { type: "test_moody" })).toBe(2);
    expect(of("rayflow_step_results_total", { type: "test_moody", status: "ok" })).toBe(1);
    expect(of("rayflow_step_errors_total", { type: "test_moody", code: "NodeExecutionError" })).toBe(3);
    expect(of("rayflow_step_latency_seconds_count", { type: "test_moody" })).toBe(4);
    expect(of("rayflow_actor_executions_total", { type: "test_moody", outcome: "error" })).toBe(3);
    expect(of("rayflow_actor_executions_total", { type: "test_moody", outcome: "ok" })).toBe(1);
    expect(of("rayflow_actor_queue_seconds_count", { type: "test_moody" })).toBe(4);
    expect(of("rayflow_actor_processing_seconds_count", { type: "test_moody" })).toBe(4);
    expect(of("rayflow_actor_processes", { state: "ready" })).toBe(1);
    expect(of("rayflow_partitions")).toBe(8);
    expect(of("rayflow_partitions_owned")).toBe(8);
    expect(of("rayflow_lease_changes_total", { change: "acquired" })).toBe(8);
    expect(of("rayflow_log_lag_messages")).toBe(0);
    expect(of("rayflow_runs_active")).toBe(0);
    expect(of("rayflow_nats_connected")).toBe(1);
    expect(of("rayflow_http_runs_total", { outcome: "succeeded" })).toBe(4);
    expect(of("rayflow_build_info", { service: "dev" })).toBe(1);
    // A step waits no longer in the queue than it takes in all.
    const mean = (name: MetricName, type: string) =>
      sumOf(page, `${name}_sum`, { type }) / sumOf(page, `${name}_count`, { type });
    expect(mean("rayflow_actor_queue_seconds", "test_moody")).toBeLessThan(
      mean("rayflow_step_latency_seconds", "test_moody") + 0.002,
    );
  });
});

describe("processes of their own", () => {
  it("serve metrics, liveness and readiness on --metrics-port; an orchestrator takes its share", async () => {
    const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
      const started = startRayflow([...args, "--server", dev.url], {
        cwd: folder.path,
        env: {
          ...env,
          OTEL_METRICS_EXPORTER: "otlp",
          OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
          OTEL_EXPORTER_OTLP_HEADERS: "x-key=42",
          OTEL_METRIC_EXPORT_INTERVAL: "200",
        },
      });
      others.push(started);
      return started;
    };
    const urlOf = async (started: RunningCommand) => {
      await started.until(/"url":"http:\/\/127\.0\.0\.1:\d+\/metrics"/);
      return /"url":"(http:\/\/127\.0\.0\.1:\d+)\/metrics"/.exec(started.stderr)?.[1] ?? "";
    };
    const [orchestrator, actor] = [
      start(["orchestrator", "--metrics-port", "0"]),
      start(["actor", "--types", "math_add"], { RAYFLOW_METRICS_PORT: "0" }),
    ];
    const [orchestratorUrl, actorUrl] = [await urlOf(orchestrator), await urlOf(actor)];
    await expect
      .poll(() => statusOf(`${orchestratorUrl}/readyz`))
      .toEqual({
        status: 200,
        json: { ready: true, nats: true, streams: true },
      });
    await expect
      .poll(() => statusOf(`${actorUrl}/readyz`))
      .toEqual({
        status: 200,
        json: { ready: true, nats: true, consumers: true },
      });
    await expect
      .poll(async () => [
        sumOf(await pageOf(orchestratorUrl), "rayflow_partitions_owned"),
        sumOf(await pageOf(gatewayUrl), "rayflow_partitions_owned"),
        sumOf(await pageOf(gatewayUrl), "rayflow_lease_changes_total", { change: "released" }),
      ])
      .toEqual([4, 4, 4]);
    expect(await statusOf(`${actorUrl}/healthz`)).toEqual({ status: 200, json: { status: "ok" } });
    expect((await fetch(`${actorUrl}/api/runs`)).status).toBe(404);
    expect((await fetch(`${actorUrl}/metrics`, { method: "POST" })).status).toBe(405);
    expect(sumOf(await pageOf(actorUrl), "rayflow_build_info", { service: "actor" })).toBe(1);
    expect(namesIn(await pageOf(actorUrl)).has("rayflow_actor_slots")).toBe(true);

    // And they send the same by OTLP, because the variables say so.
    await expect.poll(() => received.filter(({ bytes }) => bytes > 500).length).toBeGreaterThan(1);
    expect(new Set(received.map(({ path: at }) => at))).toEqual(new Set(["/v1/metrics"]));
    expect(new Set(received.map(({ key }) => key))).toEqual(new Set(["42"]));

    const taken = await rayflow(["orchestrator", "--server", dev.url, "--metrics-port", new URL(actorUrl).port]);
    expect(taken.code).not.toBe(0);
    expect(taken.stderr).toContain("PortTaken");
  });

  it("live without NATS, and are not ready", async () => {
    const actor = others[1];
    const actorUrl = /"url":"(http:\/\/127\.0\.0\.1:\d+)\/metrics"/.exec(actor?.stderr ?? "")?.[1] ?? "";
    const { url } = dev;
    await dev.stop();
    await expect.poll(async () => (await statusOf(`${actorUrl}/readyz`)).status, { timeout: 20_000 }).toBe(503);
    expect(await statusOf(`${actorUrl}/healthz`)).toEqual({ status: 200, json: { status: "ok" } });
    const page = await pageOf(actorUrl);
    expect(sumOf(page, "rayflow_nats_connected"), url).toBe(0);
    expect(sumOf(page, "rayflow_nats_disconnects_total")).toBe(1);
  });
});
