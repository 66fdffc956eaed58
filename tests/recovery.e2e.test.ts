/** What holds when processes are killed in the middle: orchestrator, actor, server. Everything here is a real process. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { jetstream } from "@nats-io/jetstream";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { flowBuilder } from "../flow/testing.ts";
import { type RunResult, runIdOf, subjects } from "../nats/index.ts";
import { reconnected, withServer } from "../nats/testing.ts";
import { RunLog } from "../store/index.ts";
import { type RunningCommand, root, startRayflow } from "./rayflow-process.ts";

const nats = withServer({ topology: { leaseTtlMs: 1_000 } });
const running: RunningCommand[] = [];
let log: RunLog;

beforeAll(async () => {
  await nats.start();
  log = await RunLog.open(nats.nc);
});

afterEach(async () => {
  for (const { child } of running) child.kill("SIGKILL");
  await Promise.all(running.splice(0).map(({ ended }) => ended));
});

afterAll(nats.stop);

async function start(...args: string[]): Promise<RunningCommand> {
  const made = startRayflow([...args, "--server", nats.server.url], { env: { RAYFLOW_LOG_LEVEL: "info" } });
  running.push(made);
  await made.until(/is up|ready|serves/i);
  return made;
}

const orchestrate = () => start("orchestrator");
const act = () => start("actor");

let count = 0;
async function submit(flow: unknown, inputs: Record<string, unknown>): Promise<string> {
  const msgID = `recovery-${count++}`;
  await jetstream(nats.nc).publish(subjects.submit(), JSON.stringify({ flow, inputs }), { msgID });
  return runIdOf(msgID);
}

const ended = (run: string): Promise<RunResult> =>
  vi.waitFor(async () => (await log.finishedResult(run)) ?? Promise.reject(new Error(`${run} has not ended`)), {
    timeout: 60_000,
    interval: 50,
  });

/** Ten steps in a row, with naps between them, so that there is a middle to be killed in. */
function longFlow() {
  const flow = flowBuilder().node("start", "start", {
    config: { api_schema: { x: { type: "float", required: true } } },
  });
  const steps = Array.from({ length: 10 }, (_, at) => `s${at}`);
  for (const [at, id] of steps.entries()) {
    flow
      .node(id, "math_add", { constants: { y: 1 } })
      .node(`nap${at}`, "control_sleep", { constants: { seconds: 0.1 } });
    flow.data(at === 0 ? "start.x" : `s${at - 1}.result`, `${id}.x`);
  }
  flow.node("count", "variables_increment", { config: { variable_name: "n" } }).node("ret", "return");
  flow.chain("start", ...steps.flatMap((id, at) => [id, `nap${at}`]), "count", "ret");
  return flow.data("s9.result", "ret.sum").data("count.value", "ret.counted").build();
}

describe("a run goes on to the same result", () => {
  test("when the orchestrator is killed in the middle and another one is started", async () => {
    await act();
    const first = await orchestrate();
    const run = await submit(longFlow(), { x: 5 });
    await vi.waitFor(
      async () => {
        let results = 0;
        for await (const entry of log.runEntries(run)) if (entry.kind === "result") results++;
        expect(results).toBeGreaterThanOrEqual(3);
      },
      { timeout: 20_000, interval: 20 },
    );
    first.child.kill("SIGKILL");
    await first.ended;
    expect(await log.finishedResult(run)).toBeUndefined();
    await orchestrate();
    expect(await ended(run)).toMatchObject({ success: true, result: { sum: 15, counted: 1 } });
  });

  test("when the server is killed in the middle and started again, its queue in memory gone", async () => {
    await act();
    await orchestrate();
    const runs = await Promise.all(Array.from({ length: 5 }, (_, x) => submit(longFlow(), { x })));
    nats.server.kill("SIGKILL");
    await nats.server.restart();
    await reconnected(nats.nc);
    for (const [x, run] of runs.entries()) {
      expect(await ended(run)).toMatchObject({ success: true, result: { sum: x + 10, counted: 1 } });
    }
  });

  test("when no actor is there: it waits, says so, and goes on when one appears", async () => {
    await orchestrate();
    const sum = JSON.parse(readFileSync(path.join(root, "examples/flows/sum.json"), "utf8"));
    const events = nats.nc.subscribe(subjects.eventAll());
    const run = await submit(sum.flow, { x: 20, y: 22 });
    for await (const event of events) {
      const news = event.json<{ kind: string; run_id: string; type?: string }>();
      if (news.kind === "waiting" && news.run_id === run) {
        expect(news.type).toBe("math_add");
        break;
      }
    }
    await act();
    expect(await ended(run)).toMatchObject({ success: true, result: { sum: 42 } });
  });
});
