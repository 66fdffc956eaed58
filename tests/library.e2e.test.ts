/** RayFlow as a library: the built package, imported by its name. */
import { readFileSync } from "node:fs";
import path from "node:path";
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
