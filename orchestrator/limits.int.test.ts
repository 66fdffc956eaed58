/** What a deployment may take, with a real server: submissions wait for room, flows that are too large are refused. */
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadNodes } from "../actors/index.ts";
import { flowBuilder } from "../flow/testing.ts";
import { type RunMessage, runIdOf, STREAMS, subjects } from "../nats/index.ts";
import { eventually, withServer } from "../nats/testing.ts";
import { NodeCatalog, RunLog } from "../store/index.ts";
import { type Orchestrator, startOrchestrator } from "./orchestrator.ts";

const nats = withServer({ topology: { leaseTtlMs: 1_000 } });
let orchestrator: Orchestrator;
let log: RunLog;

beforeAll(async () => {
  await nats.start();
  const { nodes } = await loadNodes();
  const catalog = await NodeCatalog.open(nats.nc);
  await catalog.register([...nodes.values()].map(({ nodeType }) => nodeType));
  const limits = { active_runs: 3, flow_nodes: 4, iterations: 5 };
  orchestrator = await startOrchestrator({ nc: await nats.connect("orchestrator"), limits });
  log = await RunLog.open(nats.nc);
}, 60_000);
afterAll(async () => {
  await orchestrator?.stop();
  await nats.stop();
});

const waiter = flowBuilder()
  .node("start", "start")
  .node("wait", "control_wait_signal", { config: { signal: "go" } })
  .node("ret", "return")
  .chain("start", "wait", "ret")
  .build();

let count = 0;
async function submit(flow: unknown): Promise<string> {
  const msgID = `limits-${count++}`;
  await jetstream(nats.nc).publish(subjects.submit(), JSON.stringify({ flow, inputs: {} }), { msgID });
  return runIdOf(msgID);
}

describe("runs past the limit of active ones", () => {
  test("wait in the queue, and begin when others have ended", async () => {
    const runs = await Promise.all(Array.from({ length: 12 }, () => submit(waiter)));
    const ended = new Set<string>();
    const { streams } = await jetstreamManager(nats.nc);
    let most = 0;
    await eventually(
      async () => {
        most = Math.max(most, orchestrator.activeRuns);
        for (const run of runs) {
          if (ended.has(run) || !(await log.isKnown(run))) continue;
          const go: RunMessage = { v: 1, kind: "signal", run, signal: "go", payload: null, id: "go" };
          await log.append(go, { msgId: `${run}:go` });
          ended.add(run);
        }
        return ended.size === runs.length;
      },
      "all have begun",
      40_000,
    );
    expect(most).toBeLessThanOrEqual(3);
    for (const run of runs) await eventually(async () => (await log.finishedResult(run))?.success === true, "it ends");
    expect((await streams.info(STREAMS.submit)).state.messages).toBe(0);
  });

  test("a flow that is too large is refused, and says which limit it was", async () => {
    const heard: string[] = [];
    const watch = nats.nc.subscribe("rayflow.event.*.refused", {
      callback: (_error, msg) => void heard.push(new TextDecoder().decode(msg.data)),
    });
    await nats.nc.flush();
    const ids = ["start", "a", "b", "c", "ret"] as const;
    const large = flowBuilder();
    for (const id of ids)
      large.node(id, id === "start" || id === "ret" ? id.replace("ret", "return") : "control_sequence");
    await submit(large.chain("start", "ret").build());
    await eventually(() => heard.length > 0, "it is refused");
    expect(JSON.parse(heard[0] ?? "")).toMatchObject({
      error: { code: "LimitExceeded", details: { limit: "flow_nodes", max: 4 } },
    });
    watch.unsubscribe();
  });

  test("a run carries the limits that it began with", async () => {
    const run = await submit(
      flowBuilder()
        .node("start", "start")
        .node("again", "control_repeat", { constants: { times: 6 } })
        .node("ret", "return")
        .exec("start", "again")
        .exec("again.completed", "ret")
        .build(),
    );
    await eventually(async () => (await log.finishedResult(run)) !== undefined, "it ends");
    expect(await log.finishedResult(run)).toMatchObject({
      success: false,
      error: { code: "LimitExceeded", node_id: "again", details: { limit: "iterations", max: 5 } },
    });
  });
});
