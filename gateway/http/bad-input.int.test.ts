/** What strangers send: every answer is a problem with its code, and the gateway goes on. */

import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { problem } from "./problem.ts";
import { request, withGateway } from "./testing-http.ts";

const gateway = withGateway();
beforeAll(gateway.start, 60_000);
afterAll(gateway.stop, 60_000);

const JSON_TYPE = { "Content-Type": "application/json" };

async function send(path: string, init: RequestInit): Promise<{ status: number; code: string; headers: Headers }> {
  const answer = await fetch(`${gateway.url}${path}`, init);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  const { code, status } = problem.parse(await answer.json());
  expect(status).toBe(answer.status);
  return { status, code, headers: answer.headers };
}

type Body = Exclude<RequestInit["body"], undefined>;
const post = (body: Body, headers: Record<string, string> = JSON_TYPE) => ({ method: "POST", headers, body });
const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;

describe("a body", () => {
  it.each([
    ["is no JSON", "{nodes: 1}", 400, "MalformedMessage"],
    ["ends too early", '{"flow": ', 400, "MalformedMessage"],
    ["is not UTF-8", Buffer.from([0x22, 0xff, 0xfe, 0x22]), 400, "MalformedMessage"],
    ["is a list", "[]", 400, "ValidationError"],
    ["is null", "null", 400, "ValidationError"],
    ["is a text", '"flow"', 400, "ValidationError"],
    ["nests too deeply", nested(100), 400, "MalformedMessage"],
    ["nests beyond all measure", nested(200_000), 400, "MalformedMessage"],
    ["holds the key __proto__", '{"flow": {"nodes": [], "__proto__": {"x": 1}}}', 400, "MalformedMessage"],
    ["holds it escaped", '{"flow": {"\\u005f_proto__": {}}}', 400, "MalformedMessage"],
    ["holds neither flow nor flowRef", "{}", 400, "ValidationError"],
    ["holds both", '{"flow": {}, "flowRef": "x"}', 400, "ValidationError"],
    ["has inputs that are a list", '{"flow": {}, "inputs": [1]}', 400, "ValidationError"],
    ["has options of another kind", '{"flow": {}, "options": {"drain": "maybe"}}', 400, "ValidationError"],
    ["holds something that is no flow", '{"flow": {"hello": "world"}}', 422, "InvalidFlow"],
  ])("that %s is refused", async (_, body, status, code) => {
    expect(await send("/api/flows/execute", post(body))).toMatchObject({ status, code });
  });

  it.each([
    ["text/plain", { "Content-Type": "text/plain" }],
    ["a form", { "Content-Type": "application/x-www-form-urlencoded" }],
    ["JSON by half its name", { "Content-Type": "application/jsonp" }],
    ["packed", { ...JSON_TYPE, "Content-Encoding": "gzip" }],
  ])("that is %s is refused", async (_, headers) => {
    const sent = await send("/api/flows/execute", post("{}", headers));
    expect(sent).toMatchObject({ status: 415, code: "UnsupportedMediaType" });
  });

  it("without a type is refused", async () => {
    const sent = await send("/api/flows/validate", { method: "POST", body: new Blob(["{}"]) });
    expect(sent).toMatchObject({ status: 415 });
  });

  it.each(["application/json; charset=utf-8", "application/vnd.api+json", "Application/JSON"])(
    "of the type %s is read",
    async (type) => {
      const answer = await fetch(`${gateway.url}/api/flows/validate`, post("{}", { "Content-Type": type }));
      expect(answer.status).toBe(200);
    },
  );

  it("that is too large is refused, whether it says so before or not", async () => {
    const small = await gateway.open({ maxBodyBytes: 10_000 });
    const body = JSON.stringify({ flow: { nodes: [], filler: "x".repeat(20_000) } });
    const declared = await fetch(`${small.url}/api/flows/execute`, post(body));
    expect(problem.parse(await declared.json())).toMatchObject({ status: 413, code: "PayloadTooLarge" });
    const endless = new ReadableStream({
      pull: (stream) => stream.enqueue(new TextEncoder().encode(" ".repeat(1_000))),
    });
    const streamed = await fetch(`${small.url}/api/flows/execute`, { ...post(endless), duplex: "half" } as RequestInit);
    expect(problem.parse(await streamed.json())).toMatchObject({ status: 413, code: "PayloadTooLarge" });
    expect((await request(`${small.url}/healthz`, "GET")).status).toBe(200);
  });
});

describe("an address", () => {
  it.each([
    ["GET", "/api/nothing", 404, "RouteNotFound"],
    ["POST", "/nothing", 404, "RouteNotFound"],
    ["GET", "/api/flows/none-of-this-name", 404, "FlowNotFound"],
    ["GET", "/api/flows/none-of-this-name/versions", 404, "FlowNotFound"],
    ["POST", "/api/flows/none-of-this-name/deploy", 404, "FlowNotFound"],
    ["DELETE", "/api/flows/none-of-this-name", 404, "FlowNotFound"],
    ["GET", "/api/flows/a.b%20c*%3E", 404, "FlowNotFound"],
    ["PUT", "/api/flows/a.b", 400, "ValidationError"],
    ["GET", "/api/runs/rnobodyhasthisid", 404, "RunNotFound"],
    ["GET", "/api/runs/rnobodyhasthisid/log", 404, "RunNotFound"],
    ["GET", `/api/runs/r${"0".repeat(25)}/events`, 404, "RunNotFound"],
    ["GET", `/api/runs/r${"0".repeat(25)}/result`, 404, "RunNotFound"],
    ["POST", `/api/runs/r${"0".repeat(25)}/cancel`, 404, "RunNotFound"],
    ["GET", "/api/runs/r%2E%2E%2Fetc%2Fpasswd", 400, "UsageError"],
    ["GET", "/api/runs?limit=0", 400, "ValidationError"],
    ["GET", "/api/runs?limit=many", 400, "ValidationError"],
    ["GET", "/api/runs?status=happy", 400, "ValidationError"],
    ["GET", "/api/runs?since=yesterday", 400, "ValidationError"],
    ["GET", "/api/runs?cursor=x9", 400, "ValidationError"],
    ["GET", "/api/variables?scope=all", 400, "ValidationError"],
    ["GET", "/api/variables/global/not-set", 404, "VariableNotFound"],
    ["GET", "/api/variables/run/a.b/x", 400, "ValidationError"],
    ["GET", "/api/blobs/run/r1/abc", 400, "ValidationError"],
    ["GET", `/api/blobs/run/r1/${"a".repeat(64)}`, 404, "DataNotAvailable"],
    ["GET", "/../../etc/passwd", 404, "RouteNotFound"],
    ["GET", "/..%2f..%2fetc/passwd.txt", 404, "RouteNotFound"],
  ])("%s %s is answered with %i", async (method, path, status, code) => {
    const body = method === "PUT" ? { body: '{"flow": {}}', headers: JSON_TYPE } : {};
    expect(await send(path, { method, ...body })).toMatchObject({ status, code });
  });

  it("says which methods it has", async () => {
    const sent = await send("/api/flows/some", { method: "PATCH" });
    expect(sent).toMatchObject({ status: 405, code: "MethodNotAllowed" });
    expect(sent.headers.get("allow")?.split(", ").sort()).toEqual(["DELETE", "GET", "HEAD", "PUT"]);
  });
});

it("names each field that is wrong", async () => {
  const { json } = await gateway.call("POST", "/api/runs/rabcdef/signal", { name: 5, id: "" });
  expect(json.errors).toEqual([
    expect.objectContaining({ path: "body.name" }),
    expect.objectContaining({ path: "body.id" }),
  ]);
});

it("is not upset by what is no HTTP", async () => {
  const { port } = new URL(gateway.url);
  const heard = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), "127.0.0.1", () => socket.write("\u0000\u0001 what is this\r\n\r\n"));
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
    });
    socket.on("close", () => resolve(text));
    socket.on("error", reject);
  });
  expect(heard).toMatch(/^HTTP\/1\.1 400/);
  expect((await gateway.call("GET", "/healthz")).status).toBe(200);
});

describe("a page of another origin", () => {
  const ask = (headers: Record<string, string>, method = "GET", url = gateway.url) =>
    new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
      const { hostname, port } = new URL(url);
      const asked = httpRequest({ hostname, port, path: "/api/flows", method, headers }, (answer) => {
        let body = "";
        answer.on("data", (chunk) => {
          body += chunk;
        });
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }));
      });
      asked.on("error", reject);
      asked.end();
    });

  it.each([
    ["under a name that resolves to this address", { Host: "evil.example:8000" }],
    ["under a name that only begins like localhost", { Host: "localhost.evil.example" }],
    ["by its own origin", { Origin: "https://evil.example" }],
    ["from a sandbox", { Origin: "null" }],
    ["without an origin", { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors" }],
  ])("that asks %s is refused", async (_, headers) => {
    const { status, body } = await ask(headers);
    expect({ status, code: JSON.parse(body).code }).toEqual({ status: 403, code: "OriginRefused" });
  });

  it.each([
    ["localhost", { Host: "localhost:8000" }],
    ["127.0.0.1", { Host: "127.0.0.1" }],
    ["[::1]", { Host: "[::1]:80" }],
    ["its own origin", { Host: "localhost:8000", Origin: "http://localhost:8000" }],
    ["a link", { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate" }],
  ])("who comes by %s is answered", async (_, headers) => {
    expect((await ask(headers)).status).toBe(200);
  });

  it("gets no CORS headers unless it is allowed", async () => {
    const answer = await ask({});
    expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
    const sharing = await gateway.open({ corsOrigins: ["https://flows.example"] });
    const allowed = await ask({ Origin: "https://flows.example" }, "GET", sharing.url);
    expect(allowed).toMatchObject({ status: 200, headers: { "access-control-allow-origin": "https://flows.example" } });
    const preflight = await ask(
      {
        Origin: "https://flows.example",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization",
      },
      "OPTIONS",
      sharing.url,
    );
    expect(preflight.status).toBe(204);
    expect(String(preflight.headers["access-control-allow-headers"]).toLowerCase()).toContain("authorization");
    expect((await ask({ Origin: "https://evil.example" }, "GET", sharing.url)).status).toBe(403);
  });
});

describe("a token", () => {
  it("opens everything, and without it only health, the description and the editor are open", async () => {
    const { url } = await gateway.open({ token: "correct-horse" });
    const status = async (path: string, headers: Record<string, string> = {}, method = "GET") =>
      (await request(`${url}${path}`, method, undefined, headers)).status;
    const paths = [
      "/api/flows",
      "/api/runs",
      "/api/nodes",
      "/api/admin/status",
      "/metrics",
      "/api/runs/rabcdef/events",
      "/api/nothing",
    ];
    for (const path of paths) expect({ path, status: await status(path) }).toEqual({ path, status: 401 });
    expect(await status("/api/flows/execute", {}, "POST")).toBe(401);
    expect(await status("/api/flows/x", {}, "PUT")).toBe(401);
    for (const path of ["/healthz", "/readyz", "/openapi.json", "/docs", "/api/config", "/"]) {
      expect({ path, status: await status(path) }).toEqual({ path, status: 200 });
    }
    for (const wrong of [
      "Bearer correct-hors",
      "Bearer correct-horse2",
      "Basic Y29ycmVjdA==",
      "correct-horse",
      "Bearer",
    ]) {
      expect({ wrong, status: await status("/api/flows", { Authorization: wrong }) }).toEqual({ wrong, status: 401 });
    }
    expect(await status("/api/flows?token=correct-horse")).toBe(401);
    const refused = await request(`${url}/api/flows`, "GET");
    expect(refused.headers.get("www-authenticate")).toMatch(/^Bearer/);
    expect(problem.parse(refused.json)).toMatchObject({ code: "Unauthorized" });
    for (const right of ["Bearer correct-horse", "bearer correct-horse"]) {
      expect(await status("/api/flows", { Authorization: right })).toBe(200);
    }
    expect((await request(`${url}/api/config`, "GET")).json).toMatchObject({ auth: true });
  });
});
