/** Runs through HTTP, with a real server, orchestrator and actor behind it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { flowBuilder } from "../../flow/testing.ts";
import { request, withGateway } from "./testing-http.ts";

const gateway = withGateway();
beforeAll(gateway.start, 60_000);
afterAll(gateway.stop, 60_000);

const sum = flowBuilder({ name: "sum" })
  .node("start", "start", {
    config: { api_schema: { x: { type: "int", required: true }, y: { type: "int", default: 1 } } },
  })
  .node("add", "math_add")
  .node("ret", "return")
  .chain("start", "add", "ret")
  .data("start.x", "add.x")
  .data("start.y", "add.y")
  .data("add.result", "ret.sum")
  .build();

const waits = flowBuilder({ name: "waits" })
  .node("start", "start")
  .node("wait", "control_wait_signal", { config: { signal: "go" } })
  .node("ret", "return")
  .chain("start", "wait", "ret")
  .data("wait.payload", "ret.payload")
  .build();

const constant = flowBuilder({ name: "constant" })
  .node("start", "start")
  .node("say", "string_upper", { constants: { text: "hello" } })
  .node("ret", "return")
  .chain("start", "say", "ret")
  .data("say.result", "ret.said")
  .build();

describe("POST /api/flows/execute", () => {
  it("answers with the result object", async () => {
    const { status, json } = await gateway.call("POST", "/api/flows/execute", { flow: sum, inputs: { x: 5, y: 3 } });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      success: true,
      status: "succeeded",
      status_code: 200,
      result: { sum: 8 },
      error: null,
    });
    expect(json.statistics).toMatchObject({ nodes_executed: expect.any(Number), nodes_failed: 0 });
  });

  it("reads a bare flow too", async () => {
    const { json } = await gateway.call("POST", "/api/flows/execute", constant);
    expect(json).toMatchObject({ success: true, result: { said: "HELLO" } });
  });

  it("says in the result that inputs do not fit", async () => {
    const { status, json } = await gateway.call("POST", "/api/flows/execute", { flow: sum, inputs: { x: "five" } });
    expect(status).toBe(200);
    expect(json).toMatchObject({ success: false, error: { code: "ValidationError" } });
  });

  it("refuses an invalid flow with the validator's findings", async () => {
    const flow = { nodes: [{ id: "s", type: "start" }], edges: [] };
    for (const wait of ["true", "false"]) {
      const { status, json, headers } = await gateway.call("POST", `/api/flows/execute?wait=${wait}`, { flow });
      expect({ wait, status, code: json.code }).toEqual({ wait, status: 422, code: "InvalidFlow" });
      expect(headers.get("content-type")).toBe("application/problem+json");
      expect(json.errors).toContainEqual(expect.objectContaining({ code: "NO_RETURN" }));
    }
  });

  it("does not wait when told so, and says where the run is", async () => {
    const { status, json, headers } = await gateway.call("POST", "/api/flows/execute?wait=false", {
      flow: sum,
      inputs: { x: 2 },
    });
    expect(status).toBe(202);
    expect(headers.get("location")).toBe(`/api/runs/${json.run_id}`);
    const result = await gateway.call("GET", `/api/runs/${json.run_id}/result?wait=20`);
    expect(result.status).toBe(200);
    expect(result.json).toMatchObject({ run_id: json.run_id, result: { sum: 3 } });
    expect((await gateway.call("GET", headers.get("location") ?? "")).json).toMatchObject({ status: "succeeded" });
  });

  it("answers 202 when the run takes longer than the caller waits", async () => {
    const { status, json } = await gateway.call("POST", "/api/flows/execute?timeout=0.3", { flow: waits });
    expect(status).toBe(202);
    const signal = { name: "go", payload: 1 };
    expect((await gateway.call("POST", `/api/runs/${json.run_id}/signal`, signal)).status).toBe(200);
    const result = await gateway.call("GET", `/api/runs/${json.run_id}/result?wait=20`);
    expect(result.json).toMatchObject({ success: true, result: { payload: 1 } });
  });

  it("runs once for one Idempotency-Key, whoever asks how often", async () => {
    const ask = (wait: boolean) =>
      gateway.call(
        "POST",
        `/api/flows/execute?wait=${wait}`,
        { flow: sum, inputs: { x: 40 } },
        { "Idempotency-Key": "k-1" },
      );
    const [first, second] = await Promise.all([ask(true), ask(true)]);
    const third = await ask(false);
    expect(first.json).toEqual(second.json);
    expect(third.json).toEqual({ run_id: first.json.run_id, duplicate: true });
    const { json } = await gateway.call("GET", "/api/runs?flow=sum&limit=1000");
    const runs = (json.runs as { run_id: string }[]).filter(({ run_id }) => run_id === first.json.run_id);
    expect(runs).toHaveLength(1);
  });

  it("refuses an Idempotency-Key that comes again with another body, from whichever gateway", async () => {
    const other = await gateway.open();
    const key = { "Idempotency-Key": "k-2" };
    const ask = (url: string, body: unknown) => request(`${url}/api/flows/execute`, "POST", body, key);
    const both = await Promise.all([
      ask(gateway.url, { flow: sum, inputs: { x: 1 } }),
      ask(other.url, { flow: sum, inputs: { x: 2 } }),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 422]);
    const first = both.find(({ status }) => status === 200);
    const refused = both.find(({ status }) => status === 422);
    const run_id = first?.json.run_id;
    expect(refused?.json).toMatchObject({ code: "IdempotencyKeyReused", run_id });
    const x = first === both[0] ? 1 : 2;
    const again = await ask(other.url, { inputs: { x }, flow: sum });
    expect(again).toMatchObject({ status: 200, json: { run_id } });
    expect((await ask(gateway.url, { flow: sum, inputs: { x }, options: { drain: "await" } })).status).toBe(422);
  });

  it.each(["", "a b", "x".repeat(256), "ключ"])("refuses the Idempotency-Key %j", async (key) => {
    // Headers are latin-1 on the wire.
    const header = Buffer.from(key).toString("latin1");
    const { status, json } = await gateway.call(
      "POST",
      "/api/flows/execute",
      { flow: sum },
      { "Idempotency-Key": header },
    );
    expect({ status, code: json.code }).toEqual({ status: 400, code: "ValidationError" });
  });

  it("lets the run go on when the caller goes", async () => {
    const caller = new AbortController();
    const key = { "Idempotency-Key": "left-alone" };
    const asked = fetch(`${gateway.url}/api/flows/execute`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...key },
      body: JSON.stringify({ flow: waits }),
      signal: caller.signal,
    });
    asked.catch(() => {});
    const { json } = await expectEventually(() => gateway.call("GET", "/api/runs?flow=waits&status=waiting"));
    const [run] = json.runs as { run_id: string }[];
    caller.abort();
    await expect(asked).rejects.toThrow();
    await gateway.call("POST", `/api/runs/${run?.run_id}/signal`, { name: "go", payload: "still here" });
    const result = await gateway.call("GET", `/api/runs/${run?.run_id}/result?wait=20`);
    expect(result.json).toMatchObject({ success: true, result: { payload: "still here" } });
  });

  it("takes inputs that fit no message, and gives values that fit none", async () => {
    const big = "x".repeat(3_000_000);
    const echo = flowBuilder({ name: "echo" })
      .node("start", "start")
      .node("ret", "return")
      .chain("start", "ret")
      .data("start.text", "ret.text")
      .build();
    const { status, json } = await gateway.call("POST", "/api/flows/execute", { flow: echo, inputs: { text: big } });
    expect(status).toBe(200);
    expect((json.result as { text: string }).text).toBe(big);
    const log = await gateway.call("GET", `/api/runs/${json.run_id}/log`);
    const reference = /"\$blob":\{"id":"([^"]+)"/.exec(log.text)?.[1];
    const value = await request(`${gateway.url}/api/blobs/${reference}`, "GET");
    expect(value.status).toBe(200);
    expect(JSON.parse(value.text)).toBe(big);
  });

  it("runs a deployed flow by its name, and says when there is none", async () => {
    await gateway.call("PUT", "/api/flows/stored-sum", { flow: sum });
    await gateway.call("POST", "/api/flows/stored-sum/deploy");
    const run = await gateway.call("POST", "/api/flows/execute", { flowRef: "stored-sum", inputs: { x: 9 } });
    expect(run.json).toMatchObject({ success: true, result: { sum: 10 } });
    const none = await gateway.call("POST", "/api/flows/execute", { flowRef: "stored-sun" });
    expect({ status: none.status, code: none.json.code }).toEqual({ status: 404, code: "FlowNotFound" });
  });
});

async function expectEventually(ask: () => ReturnType<typeof gateway.call>) {
  for (;;) {
    const answer = await ask();
    if ((answer.json.runs as unknown[]).length > 0) return answer;
    await new Promise((done) => setTimeout(done, 20));
  }
}
