/** RayFlow as a library: the built package, imported by its name. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { connect as connectToNats } from "@nats-io/transport-node";
import { connect, RayflowError, runFlow } from "rayflow";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root, startDev } from "./rayflow-process.ts";

const flow: unknown = JSON.parse(readFileSync(path.join(root, "examples", "embed", "greet.json"), "utf8"));
const nodesDir = path.join(root, "examples", "nodes");

let dev: Awaited<ReturnType<typeof startDev>>;
beforeAll(async () => {
  dev = await startDev(["--nodes-dir", nodesDir]);
});
afterAll(async () => {
  await dev.stop();
});

describe("runFlow", () => {
  it("runs a flow with a user's node on a local stack of its own", async () => {
    const result = await runFlow(flow, { name: "Ada" }, { nodesDir });
    expect(result).toMatchObject({ success: true, result: { greeting: "ADA!!!" } });
  });

  it("rejects an invalid flow with all findings", async () => {
    const failure = await runFlow({ nodes: [], edges: [] }, {}, { server: dev.url }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RayflowError);
    expect(failure).toMatchObject({ code: "InvalidFlow", details: { errors: expect.any(Array) } });
  });
});

describe("connect", () => {
  it("runs many flows over one connection", async () => {
    await using client = await connect({ servers: dev.url });
    const names = Array.from({ length: 20 }, (_, at) => `n${at}`);
    const results = await Promise.all(names.map((name) => client.run(flow, { name })));
    expect(results.map(({ result }) => result?.greeting)).toEqual(names.map((name) => `${name.toUpperCase()}!!!`));
  });

  it("checks a flow against what the server lists", async () => {
    await using client = await connect({ servers: dev.url });
    expect(await client.validate(flow)).toMatchObject({ valid: true });
    const unknown = { nodes: [{ id: "a", type: "text_whisper" }], edges: [] };
    const { errors } = await client.validate(unknown);
    expect(errors.map(({ code }) => code)).toContain("UNKNOWN_NODE_TYPE");
  });

  it("rejects with ConnectionFailed when nobody answers", async () => {
    await expect(connect({ servers: "nats://127.0.0.1:1" })).rejects.toMatchObject({ code: "ConnectionFailed" });
  });
});

describe("the request/reply service", () => {
  it("answers a request on rayflow.svc.flow.run with the result", async () => {
    await using nc = await bareClient();
    const answer = await nc.request("rayflow.svc.flow.run", JSON.stringify({ flow, inputs: { name: "Ada" } }), WAIT);
    expect(answer.json()).toMatchObject({ success: true, result: { greeting: "ADA!!!" } });
  });

  it("answers an invalid flow with an error that has all findings", async () => {
    await using nc = await bareClient();
    const answer = await nc.request("rayflow.svc.flow.run", JSON.stringify({ nodes: [], edges: [] }), WAIT);
    expect(answer.headers?.get("Nats-Service-Error-Code")).toBe("400");
    expect(answer.json()).toMatchObject({ error: { code: "InvalidFlow", details: { errors: expect.any(Array) } } });
  });

  it("checks a flow on rayflow.svc.flow.validate", async () => {
    await using nc = await bareClient();
    const answer = await nc.request("rayflow.svc.flow.validate", JSON.stringify({ flow }), WAIT);
    expect(answer.json()).toMatchObject({ valid: true, errors: [] });
  });

  it("refuses what is no request, and is seen by those who look for services", async () => {
    await using nc = await bareClient();
    const answer = await nc.request("rayflow.svc.flow.run", "no JSON", WAIT);
    expect(answer.json()).toMatchObject({ error: { code: "MalformedMessage" } });
    expect((await nc.request("$SRV.INFO.rayflow", "", WAIT)).json()).toMatchObject({ name: "rayflow" });
  });
});

const WAIT = { timeout: 20_000 };

async function bareClient() {
  const nc = await connectToNats({ servers: dev.url });
  return Object.assign(nc, { [Symbol.asyncDispose]: () => nc.close() });
}
