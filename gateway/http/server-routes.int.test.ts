/** What a server tells of itself, through HTTP: node types, state, metrics, health, the description of the API. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { flowBuilder } from "../../flow/testing.ts";
import { eventually } from "../testing-runs.ts";
import { request, withGateway } from "./testing-http.ts";

const gateway = withGateway();
const { call } = gateway;
beforeAll(gateway.start, 60_000);
afterAll(gateway.stop, 60_000);

describe("a server", () => {
  it("lists node types as the validator takes them, the user's own among them", async () => {
    const nodes = (await call("GET", "/api/nodes")).json.nodes as Record<string, unknown>[];
    const of = (type: string) => nodes.find((node) => node.type === type);
    expect(of("math_add")).toMatchObject({ builtin: true, category: "math", inputs: { x: { type: "float" } } });
    expect(of("control_sleep")).toMatchObject({ builtin: true, config: { type: "object" } });
    expect(of("test_hang")).toMatchObject({ builtin: false, category: "test" });
  });

  it("tells what rayflow doctor knows", async () => {
    const { json } = await call("GET", "/api/admin/status");
    expect(json).toMatchObject({ healthy: true, orchestrators: [{ version: "1.2.3" }] });
    const partitions = (await call("GET", "/api/admin/partitions")).json.partitions as { owner: string | null }[];
    expect(partitions).toHaveLength(8);
    await eventually(async () => {
      const now = (await call("GET", "/api/admin/partitions")).json.partitions as { owner: string | null }[];
      expect(now.every(({ owner }) => owner !== null)).toBe(true);
    });
    const actors = (await call("GET", "/api/admin/actors")).json.actors as { type: string; waiting: number }[];
    expect(actors.find(({ type }) => type === "math_add")?.waiting).toBeGreaterThan(0);
    expect((await call("GET", "/api/config")).json).toEqual({ version: "1.2.3", auth: false, jaeger_url: null });
  });

  it("counts what it does, under the names of routes", async () => {
    const flow = flowBuilder({ name: "counted" }).node("start", "start").node("ret", "return").chain("start", "ret");
    expect((await call("POST", "/api/flows/execute", { flow: flow.build() })).json.success).toBe(true);
    await call("GET", "/api/runs/rabcdefgh");
    const { text, headers } = await call("GET", "/metrics");
    expect(headers.get("content-type")).toMatch(/^text\/plain; version=0.0.4/);
    expect(text).toMatch(/^rayflow_http_requests_total\{method="GET",route="\/api\/runs\/:id",status="404"\} [1-9]/m);
    expect(text).toMatch(/^rayflow_http_runs_total\{outcome="succeeded"\} [1-9]/m);
    expect(text).toMatch(/_bucket\{method="POST",route="\/api\/flows\/execute",le="\+Inf"\} [1-9]/);
    expect(text).not.toContain("rabcdefgh");
  });

  it("describes every route in OpenAPI, and shows it on a page that loads nothing from elsewhere", async () => {
    const { json } = await call("GET", "/openapi.json");
    expect(json.openapi).toBe("3.1.0");
    const paths = json.paths as Record<string, Record<string, { operationId: string; responses: object }>>;
    const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining(["/api/flows/execute", "/api/runs/{id}/events", "/readyz"]),
    );
    expect(paths["/api/flows/{name}"]?.put).toMatchObject({
      requestBody: { content: { "application/json": { schema: { required: ["flow"] } } } },
      parameters: expect.arrayContaining([expect.objectContaining({ name: "If-Match", in: "header" })]),
    });
    for (const path of ["/docs", "/docs/page.js", "/docs/page.css"]) {
      const { status, text } = await call("GET", path);
      expect(status).toBe(200);
      expect(text).not.toMatch(/https?:\/\//);
    }
  });

  it("is ready only while an orchestrator answers, and lives all the same", async () => {
    expect((await call("GET", "/readyz")).json).toEqual({ ready: true, nats: true, orchestrator: true });
    expect((await call("GET", "/healthz")).json).toEqual({ status: "ok" });
    expect((await request(`${gateway.url}/healthz`, "HEAD")).status).toBe(200);
  });
});
