/** Flows, runs, variables, nodes, health and the description of the API, through HTTP. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { flowBuilder } from "../../flow/testing.ts";
import { runDescription, runStep, runSummary } from "../run-views.ts";
import { eventually } from "../testing-runs.ts";
import { request, withGateway } from "./testing-http.ts";

const gateway = withGateway();
const { call } = gateway;
beforeAll(gateway.start, 60_000);
afterAll(gateway.stop, 60_000);

const flowOf = (name: string, text = "hello") =>
  flowBuilder({ name })
    .node("start", "start")
    .node("say", "string_upper", { constants: { text } })
    .node("ret", "return")
    .chain("start", "say", "ret")
    .data("say.result", "ret.said")
    .build();
const held = flowBuilder({ name: "held" })
  .node("start", "start")
  .node("one", "math_abs")
  .node("two", "math_abs")
  .node("ret", "return")
  .chain("start", "one", "two", "ret")
  .data("start.x", "one.x")
  .data("one.result", "two.x")
  .data("two.result", "ret.x")
  .build();

describe("flows", () => {
  it("are saved, valid or not, deployed, changed, listed by their state, and deleted", async () => {
    const saved = await call("PUT", "/api/flows/greet", { flow: { nodes: [] } });
    expect(saved).toMatchObject({ status: 200, json: { name: "greet", revision: expect.any(Number), nodes: 0 } });
    const stateOf = async () =>
      ((await call("GET", "/api/flows")).json.flows as { name: string }[]).find(({ name }) => name === "greet");
    expect(await stateOf()).toMatchObject({ status: "draft", revision: saved.json.revision });
    const invalid = await call("POST", "/api/flows/greet/deploy");
    expect(invalid).toMatchObject({ status: 422, json: { code: "InvalidFlow" } });
    expect(invalid.json.errors).toContainEqual(expect.objectContaining({ code: "NO_START" }));

    await call("PUT", "/api/flows/greet", { flow: flowOf("some other name") });
    const deployed = await call("POST", "/api/flows/greet/deploy");
    expect(deployed).toMatchObject({ status: 200, json: { name: "greet", changed: true, warnings: [] } });
    expect(await stateOf()).toMatchObject({ status: "deployed", version: deployed.json.version, nodes: 3 });
    expect((await call("POST", "/api/flows/greet/deploy")).json).toMatchObject({ changed: false });

    await call("PUT", "/api/flows/greet", { flow: flowOf("greet", "bye") });
    expect(await stateOf()).toMatchObject({ status: "changed", version: deployed.json.version });
    const run = async (flowRef: string) => (await call("POST", "/api/flows/execute", { flowRef })).json.result;
    expect(await run("greet")).toEqual({ said: "HELLO" });
    const second = await call("POST", "/api/flows/greet/deploy");
    expect(await run("greet")).toEqual({ said: "BYE" });
    expect(await run(`greet@${deployed.json.version}`)).toEqual({ said: "HELLO" });
    const versions = (await call("GET", "/api/flows/greet/versions")).json.versions;
    expect(versions).toMatchObject([
      { version: second.json.version, current: true },
      { version: deployed.json.version, current: false },
    ]);
    const old = await call("GET", `/api/flows/greet?version=${deployed.json.version}`);
    expect(JSON.stringify(old.json.flow)).toContain("hello");
    await call("POST", "/api/flows/greet/deploy", { version: deployed.json.version });
    expect(await run("greet")).toEqual({ said: "HELLO" });

    expect((await call("DELETE", "/api/flows/greet")).status).toBe(204);
    expect(await stateOf()).toBeUndefined();
    expect((await call("GET", "/api/flows/greet")).status).toBe(404);
    expect((await call("POST", "/api/flows/execute", { flowRef: "greet" })).status).toBe(404);
  });

  it("come back as they were sent, whatever shape they have", async () => {
    const flow = {
      metadata: { name: "x", mine: [1, null] },
      variables: {},
      flow: { nodes: [], edges: [] },
      extra: "é",
    };
    await call("PUT", "/api/flows/verbatim", { flow });
    expect((await call("GET", "/api/flows/verbatim")).json.flow).toEqual(flow);
  });

  it("are not written over by who has not seen the last change", async () => {
    const first = await call("PUT", "/api/flows/shared", { flow: flowOf("shared", "a") }, { "If-None-Match": "*" });
    const tag = first.headers.get("etag") ?? "";
    expect((await call("GET", "/api/flows/shared")).headers.get("etag")).toBe(tag);
    const save = (text: string, headers: Record<string, string>) =>
      call("PUT", "/api/flows/shared", { flow: flowOf("shared", text) }, headers);
    const both = await Promise.all([save("b", { "If-Match": tag }), save("c", { "If-Match": tag })]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 412]);
    expect(both.find(({ status }) => status === 412)?.json).toMatchObject({ code: "RevisionConflict" });
    expect((await save("d", { "If-None-Match": "*" })).status).toBe(412);
    expect((await save("d", { "If-Match": '"0"' })).status).toBe(412);
    expect((await save("d", { "If-Match": "abc" })).status).toBe(400);
    expect((await call("DELETE", "/api/flows/shared", undefined, { "If-Match": tag })).status).toBe(412);
    expect((await call("POST", "/api/flows/shared/deploy", {}, { "If-Match": tag })).status).toBe(412);
    expect((await save("d", {})).status).toBe(200);
    await call("DELETE", "/api/flows/shared");
    expect((await save("e", { "If-Match": '"0"' })).status).toBe(200);
  });

  it("of thousands of nodes are kept", async () => {
    const nodes = Array.from({ length: 5_000 }, (_, n) => ({
      id: `node-${n}`,
      type: "math_add",
      position: { x: n * 7, y: (n * 13) % 997 },
      data: { label: `Step ${n}`, constantValues: { x: n } },
    }));
    const big = { nodes, edges: [] };
    expect(JSON.stringify(big).length).toBeGreaterThan(500_000);
    expect(await call("PUT", "/api/flows/big", { flow: big })).toMatchObject({ status: 200, json: { nodes: 5_000 } });
    expect((await call("GET", "/api/flows/big")).json.flow).toEqual(big);
  });

  it("are validated without being saved", async () => {
    expect((await call("POST", "/api/flows/validate", flowOf("v"))).json).toEqual({
      valid: true,
      errors: [],
      warnings: [],
    });
    const flow = { nodes: [{ id: "s", type: "strat" }], connections: [] };
    const { json } = await call("POST", "/api/flows/validate", flow);
    expect(json.valid).toBe(false);
    expect(json.errors).toContainEqual(expect.objectContaining({ code: "UNKNOWN_NODE_TYPE", node_id: "s" }));
  });
});

describe("runs", () => {
  it("are listed page by page, each once, by status, flow and time", async () => {
    const ids: string[] = [];
    const before = new Date().toISOString();
    for (let n = 0; n < 5; n++) {
      ids.unshift(String((await call("POST", "/api/flows/execute", { flow: flowOf("paged") })).json.run_id));
    }
    const list = async (query: string) => {
      const { json } = await call("GET", `/api/runs?flow=paged&${query}`);
      return json as { runs: { run_id: string }[]; cursor: string | null };
    };
    await eventually(async () =>
      expect((await gateway.rig.directory.log.listHistory({ flow: "paged" })).length).toBe(5),
    );
    const found: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page = await list(`limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`);
      found.push(...page.runs.map((run) => runSummary.parse(run).run_id));
      cursor = page.cursor;
    }
    expect(found).toEqual(ids);
    expect((await list("status=failed")).runs).toEqual([]);
    expect((await list("status=succeeded")).runs).toHaveLength(5);
    expect((await list(`since=${before}`)).runs).toHaveLength(5);
    expect((await list(`until=${before}`)).runs).toEqual([]);
    expect((await list(`since=${new Date(Date.now() + 60_000).toISOString()}`)).runs).toEqual([]);
  });

  it("are held at breakpoints, stepped, and go on", async () => {
    const options = { breakpoints: ["one"] };
    const { json } = await call("POST", "/api/flows/execute?wait=false", { flow: held, inputs: { x: -4 }, options });
    const run = `/api/runs/${json.run_id}`;
    const heldAt = (node: string) =>
      eventually(async () => {
        const found = runDescription.parse((await call("GET", run)).json);
        expect(found).toMatchObject({ status: "paused", held: [{ node }] });
        return found;
      });
    expect((await heldAt("one")).held[0]?.inputs).toEqual({ x: -4 });
    expect((await call("POST", `${run}/step`)).json).toMatchObject({ action: "step", seq: expect.any(Number) });
    expect((await heldAt("two")).held[0]?.inputs).toEqual({ x: 4 });
    expect((await call("POST", `${run}/breakpoints`, { nodes: ["nobody"] })).json.code).toBe("InvalidBreakpoint");
    expect((await call("POST", `${run}/breakpoints`, { nodes: [] })).json).toMatchObject({ nodes: [] });
    await call("POST", `${run}/continue`);
    expect((await call("GET", `${run}/result?wait=20`)).json).toMatchObject({ success: true, result: { x: 4 } });
    expect(await call("POST", `${run}/continue`)).toMatchObject({ status: 409, json: { code: "RunEnded" } });
  });

  it("are paused, resumed, cancelled, retried and run again", async () => {
    const fragile = flowBuilder({ name: "fragile" })
      .node("start", "start")
      .node("break", "test_fragile", { constants: { key: "http" } })
      .node("ret", "return")
      .chain("start", "break", "ret")
      .data("break.value", "ret.value")
      .build();
    const failed = await call("POST", "/api/flows/execute", { flow: fragile });
    expect(failed).toMatchObject({
      status: 200,
      json: { success: false, error: { code: "Broken", node_id: "break" } },
    });
    gateway.rig.mend("http");
    const retried = await call("POST", `/api/runs/${failed.json.run_id}/retry`, {});
    expect(retried).toMatchObject({ status: 202, json: { rerun_of: failed.json.run_id } });
    const again = retried.headers.get("location") ?? "";
    expect((await call("GET", `${again}/result?wait=20`)).json).toMatchObject({ result: { value: "http" } });
    const rerun = await call("POST", `/api/runs/${failed.json.run_id}/rerun`, {
      from: "break",
      inputs: { key: "http" },
    });
    expect(rerun.status).toBe(202);

    const hang = flowBuilder({ name: "hangs" })
      .node("start", "start")
      .node("hang", "test_hang")
      .node("ret", "return")
      .chain("start", "hang", "ret")
      .build();
    const hanging = String((await call("POST", "/api/flows/execute?wait=false", { flow: hang })).json.run_id);
    expect((await call("POST", `/api/runs/${hanging}/pause`)).status).toBe(200);
    await gateway.rig.standing(hanging, "paused");
    expect((await call("POST", `/api/runs/${hanging}/resume`, {})).status).toBe(200);
    await gateway.rig.standing(hanging, "running");
    expect((await call("GET", `/api/runs/${hanging}/result`)).status).toBe(202);
    expect((await call("POST", `/api/runs/${hanging}/cancel`, { reason: "enough" })).status).toBe(200);
    expect((await call("GET", `/api/runs/${hanging}/result?wait=20`)).json).toMatchObject({ status: "cancelled" });
    const { events, next } = (await call("GET", `/api/runs/${hanging}/history?values=true`)).json;
    expect((events as unknown[]).map((step) => runStep.parse(step).kind)).toContain("control");
    expect(next).toBeNull();
    expect((await call("GET", `/api/runs/${hanging}?event=1`)).json).toMatchObject({ at: { event: 1 } });
  });
});

describe("variables", () => {
  it("are set from the revision that was read, listed and deleted", async () => {
    const path = `/api/variables/global/${encodeURIComponent("a b/ü")}`;
    expect((await call("PUT", path, { value: null }, { "If-Match": '"0"' })).json).toMatchObject({
      name: "a b/ü",
      value: null,
    });
    const got = await call("GET", path);
    expect(got.json).toMatchObject({ name: "a b/ü", value: null });
    const tag = got.headers.get("etag") ?? "";
    expect((await call("PUT", path, { value: { n: 1 } }, { "If-Match": tag })).status).toBe(200);
    expect(await call("PUT", path, { value: 2 }, { "If-Match": tag })).toMatchObject({
      status: 412,
      json: { code: "RevisionConflict" },
    });
    expect((await call("PUT", path, {})).status).toBe(400);
    expect((await call("GET", "/api/variables?scope=global")).json.variables).toEqual([
      { name: "a b/ü", value: { n: 1 }, revision: expect.any(Number) },
    ]);
    expect((await call("DELETE", path, undefined, { "If-Match": tag })).status).toBe(412);
    expect((await call("DELETE", path)).status).toBe(204);
    expect((await call("DELETE", path)).status).toBe(404);
  });

  it("of a flow are its own", async () => {
    await call("PUT", "/api/variables/flow/shop/count", { value: 1 });
    await call("PUT", "/api/variables/flow/other/count", { value: 2 });
    expect((await call("GET", "/api/variables?scope=flow:shop")).json.variables).toMatchObject([
      { name: "count", value: 1 },
    ]);
    expect((await call("GET", "/api/variables/run/rnone/count")).status).toBe(404);
  });
});

describe("the rest", () => {
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
