/** Orchestrators and actors as processes of their own: what waits, what goes on, what stops. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type EmbeddedServer, startEmbeddedServer } from "../nats/index.ts";
import { type RunningCommand, rayflow, root, startRayflow, temporaryFolder } from "./rayflow-process.ts";

const sum = ["run", path.join(root, "examples", "flows", "sum.json"), "--input", '{"x": 5, "y": 3}', "--json"];

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  folder = temporaryFolder();
  const nodes = path.join(folder.path, "nodes", "test");
  mkdirSync(nodes, { recursive: true });
  writeFileSync(
    path.join(nodes, "slow.ts"),
    `import { defineNode, z } from "rayflow";
     export default defineNode({
       type: "test_slow", title: "Slow", category: "test",
       inputs: { ms: z.number() }, outputs: { done: z.boolean() },
       async run({ inputs }) {
         await new Promise((resolve) => setTimeout(resolve, inputs.ms));
         return { done: true };
       },
     });`,
  );
  writeFileSync(path.join(folder.path, "slow.json"), JSON.stringify(slowFlow()));
});
afterAll(() => folder.remove());

/** Three slow nodes, one after the other. */
function slowFlow() {
  const ids = ["start", "one", "two", "three", "return"];
  const edges = ids.slice(1).map((id, at) => ({
    id: `e${at}`,
    source: ids[at],
    target: id,
    sourceHandle: "exec-out",
    targetHandle: "exec-in",
  }));
  const slow = (id: string) => ({ id, type: "test_slow", data: { constantValues: { ms: 700 } } });
  return {
    nodes: [{ id: "start", type: "start" }, ...["one", "two", "three"].map(slow), { id: "return", type: "return" }],
    edges: [
      ...edges,
      { id: "d", source: "three", target: "return", sourceHandle: "output-done", targetHandle: "input-done" },
    ],
  };
}

let server: EmbeddedServer;
let running: RunningCommand[];
beforeEach(async () => {
  running = [];
  server = await startEmbeddedServer();
});
afterEach(async () => {
  for (const { child } of running) child.kill("SIGKILL");
  await Promise.all(running.map(({ ended }) => ended));
  await server.stop();
});

function start(...args: string[]): RunningCommand {
  const command = startRayflow([...args, "--server", server.url], { cwd: folder.path });
  running.push(command);
  return command;
}
const startOrchestrator = async () => {
  // Who is killed is missed after a second.
  const orchestrator = start("orchestrator", "--lease-ttl", "1s");
  await orchestrator.until(/orchestrator is up/);
  return orchestrator;
};
const startActor = async (...args: string[]) => {
  const actor = start("actor", ...args);
  await actor.until(/actor ready/);
  return actor;
};

describe("orchestrator and actor", () => {
  it("serve runs together and end with 0 on SIGTERM", async () => {
    const services = [await startOrchestrator(), await startActor()];
    const { code, stdout } = await rayflow([...sum, "--server", server.url]);
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, result: { sum: 8 } });
    for (const { child } of services) child.kill("SIGTERM");
    expect((await Promise.all(services.map(({ ended }) => ended))).map((outcome) => outcome.code)).toEqual([0, 0]);
  });

  it("a run goes on to the same result when its orchestrator is killed and another one starts", async () => {
    await startActor();
    const first = await startOrchestrator();
    const run = start("run", "slow.json", "--debug", "--json");
    await run.until(/two .*running/);
    first.child.kill("SIGKILL");
    await first.ended;
    await startOrchestrator();
    const { code, stdout } = await run.ended;
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({
      code: 0,
      success: true,
      result: { done: true },
      statistics: { nodes_executed: 5, nodes_failed: 0 },
    });
  });
});

describe("a run that nobody serves", () => {
  it("says that no orchestrator is there, and times out with 4", async () => {
    const { code, stdout, stderr } = await rayflow([...sum, "--timeout", "3", "--server", server.url]);
    expect(code).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({
      run_id: expect.stringMatching(/^r/),
      success: false,
      error: { code: "RunTimeout" },
    });
    expect(stderr).toMatch(/no orchestrator/);
  });

  it("waits for an actor of its type, says so, and goes on when one appears", async () => {
    await startOrchestrator();
    const first = await startActor("--types", "test_slow");
    first.child.kill("SIGTERM");
    await first.ended;
    const run = start("run", "slow.json", "--json");
    await run.until(/no actor serves test_slow/);
    const doctor = await rayflow(["doctor", "--json", "--server", server.url]);
    expect(doctor.code).toBe(1);
    expect(JSON.parse(doctor.stdout).checks).toContainEqual(
      expect.objectContaining({ name: "actor test_slow", level: "fail" }),
    );
    await startActor("--types", "test_slow");
    const { code, stdout } = await run.ended;
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, result: { done: true } });
  });

  it("is cancelled by Ctrl-C, which exits with 130", async () => {
    await startOrchestrator();
    await startActor();
    const run = start("run", "slow.json", "--debug", "--json");
    await run.until(/one .*running/);
    run.child.kill("SIGINT");
    const { code, stdout } = await run.ended;
    expect(code).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ success: false, status: "cancelled", error: { code: "RunCancelled" } });
  });
});
