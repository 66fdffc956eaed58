/** One flow as a service: typed by its START, answering as its RETURN says. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { flowBuilder } from "../../flow/testing.ts";
import { serveFlow } from "./flow-service.ts";
import type { HttpServer } from "./gateway.ts";
import { request, withGateway } from "./testing-http.ts";

const gateway = withGateway();
const services: HttpServer[] = [];
let url = "";

const order = flowBuilder({ name: "order" })
  .node("start", "start", {
    config: {
      api_schema: {
        amount: { type: "float", required: true, description: "In euros" },
        tags: { type: "list[str]", default: [] },
      },
    },
  })
  .node("dear", "logic_compare", { config: { operator: ">" }, constants: { b: 100 } })
  .node("which", "logic_branch")
  .node("created", "return", {
    config: { name: "created", status_code: 201, response_schema: { type: "object", required: ["amount"] } },
  })
  .node("refused", "return", { config: { name: "refused", status_code: 402 } })
  .chain("start", "which")
  .exec("which.true", "refused")
  .exec("which.false", "created")
  .data("start.amount", "dear.a")
  .data("dear.result", "which.condition")
  .data("start.amount", "created.amount")
  .data("start.tags", "created.tags")
  .data("start.amount", "refused.limit")
  .build();

const serve = async (flow: object, more: Partial<Parameters<typeof serveFlow>[0]> = {}) => {
  const nc = await gateway.rig.nats.connect("flow service");
  const service = await serveFlow({ nc, version: "1.2.3", port: 0, flow: { flow }, ...more });
  services.push(service);
  return service.url;
};
beforeAll(async () => {
  await gateway.start();
  url = await serve(order);
}, 60_000);
afterAll(async () => {
  await Promise.all(services.map((service) => service.stop()));
  await gateway.stop();
}, 60_000);

describe("POST /execute", () => {
  it.each([
    [{ amount: 5 }, 201, { amount: 5, tags: [] }],
    [{ amount: 7.5, tags: ["a"], other: 1 }, 201, { amount: 7.5, tags: ["a"] }],
    [{ amount: 500 }, 402, { limit: 500 }],
  ])("%j is answered with %i", async (inputs, status, body) => {
    const answer = await request(`${url}/execute`, "POST", inputs);
    expect(answer).toMatchObject({ status, json: body });
    const run = answer.headers.get("rayflow-run-id") ?? "";
    expect(await gateway.call("GET", `/api/runs/${run}`)).toMatchObject({ json: { flow: "order" } });
  });

  it.each([
    [{}, /"amount" .* required/],
    [{ amount: "5" }, /"amount" must be float/],
    [{ amount: 5, tags: [1] }, /"tags" must be list\[str\]/],
    [[5], /body/],
  ])("%j is refused before anything runs", async (inputs, why) => {
    const { status, json } = await request(`${url}/execute`, "POST", inputs);
    expect({ status, code: json.code }).toEqual({ status: 400, code: "ValidationError" });
    expect(json.detail).toMatch(why);
  });

  it("is answered with a problem when the run fails", async () => {
    const fails = flowBuilder({ name: "fails" })
      .node("start", "start")
      .node("break", "test_fragile", { constants: { key: "never" } })
      .node("ret", "return")
      .chain("start", "break", "ret")
      .build();
    const { status, json } = await request(`${await serve(fails)}/execute`, "POST", {});
    expect({ status, code: json.code }).toEqual({ status: 500, code: "Broken" });
    expect(json).toMatchObject({ run_id: expect.stringMatching(/^r/), details: { node_id: "break" } });
  });

  it("is answered in time though the run takes longer", async () => {
    const waits = flowBuilder({ name: "waits" })
      .node("start", "start")
      .node("wait", "control_wait_signal", { config: { signal: "go" } })
      .node("ret", "return")
      .chain("start", "wait", "ret")
      .build();
    const { status, json } = await request(`${await serve(waits, { timeoutMs: 300 })}/execute`, "POST", {});
    expect({ status, code: json.code }).toEqual({ status: 504, code: "RunTimeout" });
    expect((await gateway.call("POST", `/api/runs/${json.run_id}/cancel`)).status).toBe(200);
  });

  it("runs once for one Idempotency-Key", async () => {
    const ask = () => request(`${url}/execute`, "POST", { amount: 3 }, { "Idempotency-Key": "order-3" });
    const answers = [await ask(), await ask()].map(({ headers }) => headers.get("rayflow-run-id"));
    expect(answers[0]).toBe(answers[1]);
  });

  it("gives no body where the status has none", async () => {
    const quiet = flowBuilder({ name: "quiet" })
      .node("start", "start")
      .node("ret", "return", { config: { status_code: 204 } })
      .chain("start", "ret")
      .build();
    const { status, text } = await request(`${await serve(quiet)}/execute`, "POST", {});
    expect({ status, text }).toEqual({ status: 204, text: "" });
  });
});

it("tells what the flow takes and gives, in its schema and in OpenAPI", async () => {
  const { json } = await request(`${url}/schema`, "GET");
  const inputs = {
    type: "object",
    properties: {
      amount: { type: "number", description: "In euros" },
      tags: { type: "array", items: { type: "string" }, default: [] },
    },
    required: ["amount"],
  };
  expect(json).toMatchObject({ name: "order", inputs });
  expect(json.returns).toMatchObject([
    { name: "created", status_code: 201 },
    { name: "refused", status_code: 402, body: { properties: { limit: {} } } },
  ]);
  const { json: document } = await request(`${url}/openapi.json`, "GET");
  const { post } = (document.paths as Record<string, { post: Record<string, unknown> }>)["/execute"] ?? {};
  expect(post).toMatchObject({
    requestBody: { content: { "application/json": { schema: inputs } } },
    responses: {
      201: { content: { "application/json": { schema: { required: ["amount"] } } } },
      402: { description: "refused" },
    },
  });
  expect((await request(`${url}/health`, "GET")).json).toEqual({ status: "ok", flow: "order" });
  expect((await request(`${url}/docs`, "GET")).text).toContain("<title>order</title>");
  expect((await request(`${url}/api/flows`, "GET")).status).toBe(404);
});

it("serves a deployed flow in the version that it had at the start", async () => {
  await gateway.call("PUT", "/api/flows/served", { flow: order });
  await gateway.call("POST", "/api/flows/served/deploy");
  const nc = await gateway.rig.nats.connect("flow service");
  const service = await serveFlow({ nc, version: "1.2.3", port: 0, flow: { flowRef: "served" } });
  services.push(service);
  expect(await request(`${service.url}/execute`, "POST", { amount: 1 })).toMatchObject({ status: 201 });
  await gateway.call("DELETE", "/api/flows/served");
  expect(await request(`${service.url}/execute`, "POST", { amount: 1 })).toMatchObject({ status: 201 });
});

it("does not start with an invalid flow, or on a port that is taken", async () => {
  await expect(serve({ nodes: [] })).rejects.toMatchObject({ code: "InvalidFlow" });
  const port = Number(new URL(url).port);
  await expect(serve(order, { port })).rejects.toMatchObject({ code: "PortTaken" });
});
