import { afterAll, beforeAll, expect, test } from "vitest";
import { withServer } from "../../nats/testing.ts";
import type { Monitoring } from "../monitoring.ts";
import { EventRing, type PassedMessage } from "./event-ring.ts";
import { type HttpServer, serveGateway } from "./gateway.ts";
import { request } from "./testing-http.ts";

const nats = withServer();
const executed: string[] = [];
const monitoring: Monitoring = {
  subjects: ["planning.>", "vllm.>"],
  isFleeting: (subject) => subject.startsWith("vllm."),
  testCases: [{ name: "basic", description: "one" }],
  overview: () => Promise.reject(new Error("not asked for here")),
  deliberation: () => Promise.reject(new Error("not asked for here")),
  execute: async (name) => {
    executed.push(name);
    return { test_case: name, plan_id: "p", deliberations: [] };
  },
};
let gateway: HttpServer;
const open = (token?: string) => serveGateway({ nc: nats.nc, version: "1.2.3", port: 0, monitoring, token });
beforeAll(async () => {
  await nats.start();
  gateway = await open();
});
afterAll(async () => {
  await gateway.stop();
  await nats.stop();
});

/** Reads messages until there are so many; `begun` is called when the stream is open. */
async function read(query: string, count: number, begun: () => void, headers: Record<string, string> = {}) {
  const closing = new AbortController();
  const answer = await fetch(`${gateway.url}/api/monitoring/events${query}`, { headers, signal: closing.signal });
  const found: { id: string; data: Record<string, unknown> }[] = [];
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of answer.body ?? []) {
    if (text === "") begun();
    text += decoder.decode(chunk, { stream: true });
    const events = [...text.matchAll(/event: message\nid: (\d+)\ndata: (.*)\n\n/g)];
    found.splice(0, found.length, ...events.map(([, id = "", data = ""]) => ({ id, data: JSON.parse(data) })));
    if (found.length >= count) break;
  }
  closing.abort();
  return found;
}

test("messages pass by in order, filtered; who comes back with the last number misses none", async () => {
  const publish = (): void => {
    for (const [subject, payload] of [
      ["planning.plan.approved", '{"a":1}'],
      ["vllm.streaming.t", '{"token":"x"}'],
      ["planning.deep.er", "no json"],
    ] as const) {
      nats.nc.publish(subject, payload);
    }
  };
  const all = await read("", 3, publish);
  expect(all.map(({ data }) => [data.subject, data.data])).toEqual([
    ["planning.plan.approved", { a: 1 }],
    ["vllm.streaming.t", { token: "x" }],
    ["planning.deep.er", "no json"],
  ]);
  const rest = await read("", 2, () => {}, { "Last-Event-ID": all[0]?.id ?? "" });
  expect(rest).toEqual(all.slice(1));
  const filtered = await read("?subject=planning.*.er,nothing.>", 1, () => {});
  expect(filtered).toEqual([all[2]]);
});

test.each([
  ["?subject=a..b", {}],
  ["?subject=a.>.b", {}],
  ["", { "Last-Event-ID": "soon" }],
])("a stream asked for with %s %j is refused", async (query, headers) => {
  expect((await request(`${gateway.url}/api/monitoring/events${query}`, "GET", undefined, headers)).status).toBe(400);
});

test("a test case is executed by those who may, and by no page of another origin", async () => {
  const path = "/api/admin/test-cases/execute?test_case=basic";
  expect(await request(gateway.url + path, "POST")).toMatchObject({ status: 202, json: { plan_id: "p" } });
  const page = { Origin: "https://elsewhere.example" };
  expect((await request(gateway.url + path, "POST", undefined, page)).status).toBe(403);
  const guarded = await open("a-long-token");
  expect((await request(guarded.url + path, "POST")).status).toBe(401);
  expect((await request(`${guarded.url}/api/monitoring/events`, "GET")).status).toBe(401);
  const token = { Authorization: "Bearer a-long-token" };
  expect((await request(guarded.url + path, "POST", undefined, token)).status).toBe(202);
  await guarded.stop();
  expect(executed).toEqual(["basic", "basic"]);
});

test("the ring is bounded; what is fleeting pushes nothing else out", async () => {
  const ring = new EventRing({ nc: nats.nc, ...monitoring, size: 10 });
  const closing = new AbortController();
  const seen: PassedMessage[] = [];
  const reading = (async () => {
    for await (const message of ring.follow(0, closing.signal)) {
      seen.push(message);
      if (message.subject === "planning.end") return;
    }
  })();
  nats.nc.publish("planning.first", "x".repeat(10_000));
  for (let at = 0; at < 200; at++) nats.nc.publish("vllm.streaming.t", String(at));
  nats.nc.publish("planning.end");
  await reading;
  // Who comes now sees what is left.
  const left: PassedMessage[] = [];
  for await (const message of ring.follow(0, closing.signal)) {
    left.push(message);
    if (message.subject === "planning.end") break;
  }
  expect(left[0]).toMatchObject({ subject: "planning.first", bytes: 10_000, cut: true });
  expect(left.length).toBeLessThan(32);
  expect(left.map(({ id }) => id)).toEqual(left.map(({ id }) => id).sort((a, b) => a - b));
  ring.stop();
});
