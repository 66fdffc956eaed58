import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeMessage, headerNames, type RunEvent, type RunResult, runIdOf, SUBMIT_SUBJECT } from "../nats/index.ts";
import { withServer } from "../nats/testing.ts";
import { RunLog } from "../store/index.ts";
import { publishRun, submitRun } from "./run-client.ts";

const nats = withServer();
beforeAll(nats.start);
afterAll(nats.stop);

const flow = { nodes: [], edges: [] };

function resultOf(runId: string, success = true): RunResult {
  return {
    run_id: runId,
    success,
    status: success ? "succeeded" : "failed",
    return: "done",
    status_code: 200,
    result: { x: 1 },
    error: null,
    statistics: { total_time: 0, nodes_executed: 0, nodes_failed: 0, nodes_skipped: 0, node_times: {}, errors: [] },
  };
}

/** Stands for an orchestrator: answers the next submission of this id with these events. */
async function answerNext(nc: NatsConnection, msgId: string, events: readonly RunEvent[]): Promise<void> {
  for await (const message of nc.subscribe(SUBMIT_SUBJECT)) {
    if (message.headers?.get(headerNames.msgId) !== msgId) continue;
    for (const event of events) nc.publish(message.headers.get(headerNames.reply), encodeMessage(event));
    return;
  }
}

describe("submitRun", () => {
  it("knows the run's id from the message id, before anybody answers", async () => {
    const run = await submitRun(nats.nc, { flow }, { msgId: "known" });
    expect({ runId: run.runId, duplicate: run.duplicate }).toEqual({ runId: runIdOf("known"), duplicate: false });
    run.abandon();
  });

  it("gives the result that comes to its inbox", async () => {
    const runId = runIdOf("answered");
    const orchestrator = answerNext(nats.nc, "answered", [
      { v: 1, kind: "accepted", run_id: runId, flow: "f" },
      { v: 1, kind: "finished", run_id: runId, result: resultOf(runId) },
    ]);
    const events: string[] = [];
    const run = await submitRun(nats.nc, { flow }, { msgId: "answered", onEvent: ({ kind }) => events.push(kind) });
    expect(await run.result).toEqual(resultOf(runId));
    expect(events).toEqual(["accepted", "finished"]);
    await orchestrator;
  });

  it("finds a result whose answer was lost", async () => {
    const run = await submitRun(nats.nc, { flow }, { msgId: "lost" });
    const result = resultOf(run.runId, false);
    await new RunLog(nats.nc).append({ v: 1, kind: "finished", run: run.runId, result }, { msgId: "lost:finished" });
    expect(await run.result).toEqual(result);
  });

  it("finds the result of an earlier submission with the same id at once", async () => {
    const first = await submitRun(nats.nc, { flow }, { msgId: "twice" });
    const result = resultOf(first.runId);
    await new RunLog(nats.nc).append({ v: 1, kind: "finished", run: first.runId, result }, { msgId: "twice:finished" });
    first.abandon();
    const second = await submitRun(nats.nc, { flow }, { msgId: "twice", timeoutMs: 1_500 });
    expect(second.duplicate).toBe(true);
    expect(await second.result).toEqual(result);
  });

  it("rejects a refused flow with all that the validator found", async () => {
    const runId = runIdOf("refused");
    const error = { code: "InvalidFlow", message: "one error", retryable: false };
    const errors = [{ code: "NO_START", message: "m" }];
    const orchestrator = answerNext(nats.nc, "refused", [{ v: 1, kind: "refused", run_id: runId, error, errors }]);
    const run = await submitRun(nats.nc, { flow }, { msgId: "refused" });
    await expect(run.result).rejects.toMatchObject({ code: "InvalidFlow", details: { errors, warnings: [] } });
    await orchestrator;
  });

  it("rejects with RunTimeout, naming the run, when nothing comes", async () => {
    const run = await submitRun(nats.nc, { flow }, { timeoutMs: 50 });
    await expect(run.result).rejects.toMatchObject({ code: "RunTimeout", details: { run_id: run.runId } });
  });

  it("rejects when its connection closes", async () => {
    const nc = await connect({ servers: nats.server.url });
    const run = await submitRun(nc, { flow });
    await nc.close();
    await expect(run.result).rejects.toMatchObject({ code: "ConnectionFailed" });
  });

  it("refuses a flow that is larger than a message before it is sent", async () => {
    const large = { ...flow, description: "x".repeat(2 << 20) };
    await expect(submitRun(nats.nc, { flow: large })).rejects.toMatchObject({
      code: "PayloadTooLarge",
      message: expect.stringMatching(/flow 2048 KiB/),
    });
  });

  it("refuses inputs that no receiver would read", async () => {
    const inputs = JSON.parse('{"__proto__": {"polluted": true}}');
    await expect(submitRun(nats.nc, { flow, inputs })).rejects.toMatchObject({ code: "ValidationError" });
  });
});

describe("on a server without RayFlow", () => {
  const empty = withServer({ topology: false });
  beforeAll(empty.start);
  afterAll(empty.stop);

  it("publishRun sets the streams up and publishes", async () => {
    const sent = await publishRun(empty.nc, { flow }, { msgId: "first" });
    expect(sent).toMatchObject({ runId: runIdOf("first"), duplicate: false, seq: 1 });
  });
});
