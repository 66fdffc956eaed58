/** An actor that lies: what it sends for others changes no run, and stops none. */
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Actor, defineNode, loadNodes, startActor } from "../actors/index.ts";
import { any } from "../actors/sdk.ts";
import { retryPolicy } from "../flow/index.ts";
import { flowBuilder } from "../flow/testing.ts";
import {
  BUCKETS,
  encodeMessage,
  executionTokens,
  type NodeResult,
  partitionOf,
  type RunResult,
  runIdOf,
  STREAMS,
  subjects,
} from "../nats/index.ts";
import { eventually, withServer } from "../nats/testing.ts";
import { RunLog, tokensOn } from "../store/index.ts";
import { type Orchestrator, startOrchestrator } from "./orchestrator.ts";

const nats = withServer({ topology: { leaseTtlMs: 1_000 } });
let actor: Actor;
let orchestrator: Orchestrator;
let log: RunLog;
/** What lets the honest node of a run go on. */
const waiting = new Map<string, (value: unknown) => void>();
const attempts = new Map<string, number>();
const warnings: string[] = [];

/** Waits until the test lets it go; fails at its first try when it is told so. */
const gate = defineNode({
  type: "test_gate",
  title: "Gate",
  category: "test",
  inputs: { flaky: any().default(false) },
  outputs: { value: any() },
  async run({ inputs, ctx }) {
    const attempt = (attempts.get(ctx.runId) ?? 0) + 1;
    attempts.set(ctx.runId, attempt);
    if (inputs.flaky === true && attempt === 1) throw new Error("the first try fails");
    return { value: await new Promise((done) => waiting.set(ctx.runId, done)) };
  },
});

beforeAll(async () => {
  await nats.start();
  const { nodes } = await loadNodes();
  const all = new Map([...nodes, ["test_gate", gate]]);
  actor = await startActor({ nc: await nats.connect("actor"), nodes: all, logger: pino({ level: "silent" }) });
  const logger = pino({ level: "warn" }, { write: (line: string) => void warnings.push(line) });
  orchestrator = await startOrchestrator({ nc: await nats.connect("orchestrator"), logger });
  log = await RunLog.open(nats.nc);
}, 60_000);

afterAll(async () => {
  await orchestrator?.stop();
  await actor?.stop({ drainMs: 0 });
  await nats.stop();
});

const flow = (flaky: boolean) =>
  flowBuilder()
    .node("start", "start")
    .node("gate", "test_gate", {
      constants: { flaky },
      policy: { retry: retryPolicy.parse({ max_attempts: 2, initial_interval: "10ms" }) },
    })
    .node("sum", "math_add", { constants: { y: 1 } })
    .node("ret", "return")
    .chain("start", "gate", "ret")
    .data("gate.value", "sum.x")
    .data("sum.result", "ret.sum")
    .build();

let count = 0;
/** A run that stands at its gate. */
async function submitted(flaky = false): Promise<{ run: string; partition: number }> {
  const msgID = `forged-${count++}`;
  const run = runIdOf(msgID);
  await jetstream(nats.nc).publish(subjects.submit(), JSON.stringify({ flow: flow(flaky), inputs: {} }), { msgID });
  await eventually(() => waiting.has(run), "the gate is reached");
  return { run, partition: partitionOf(run, nats.topology.partitions) };
}

const forged = (run: string, more: Partial<NodeResult> & { token?: string } = {}) => ({
  id: `${run}:gate@#1`,
  run,
  status: "ok",
  outputs: { value: 666, result: 666 },
  started_at: 1,
  duration_ms: 1,
  actor: "liar",
  ...more,
});

async function lie(
  type: string,
  partition: number | "many",
  results: readonly unknown[],
  msgID?: string,
): Promise<void> {
  const message = encodeMessage({ v: 1, type, results });
  const subject = partition === "many" ? subjects.sharedResult(type) : subjects.result(type, partition);
  await jetstream(nats.nc).publish(subject, message, msgID === undefined ? {} : { msgID });
}

async function endOf(run: string): Promise<RunResult> {
  waiting.get(run)?.(41);
  let result: RunResult | undefined;
  await eventually(
    async () => {
      result = await log.finishedResult(run);
      return result !== undefined;
    },
    "the run ends",
    20_000,
  );
  if (!result) throw new Error("it has not ended");
  return result;
}

const historyOf = async (run: string): Promise<string> => {
  await eventually(async () => (await log.readHistory(run)) !== undefined, "the history has the run");
  return JSON.stringify(await log.readHistory(run));
};

describe("a forged result", () => {
  test("of any kind is refused, and the run ends as if it had not come", async () => {
    const { run, partition } = await submitted();
    const other = await submitted();
    const tokens = await tokensOn(nats.nc);
    const wrong = executionTokens([Buffer.alloc(32, 1)]).sign(`${run}:gate@#1`);
    const notIts = tokens.sign(`${other.run}:gate@#1`);
    for (const lies of [
      forged(run),
      forged(run, { token: wrong }),
      forged(run, { token: notIts }),
      forged(run, { status: "error", error: { code: "Lie", message: "it failed", retryable: false } }),
      { ...forged(run), status: "odd" },
      forged(run, { id: `${run}:gate@>sum#1` }),
      forged(run, { id: `${run}:ret@#1` }),
      forged(run, { id: `${other.run}:gate@#1`, token: notIts }),
    ]) {
      await lie("test_gate", partition, [lies]);
    }
    // Among results of several partitions.
    await lie("test_gate", "many", [forged(run), forged(run, { token: wrong }), forged(other.run, { token: wrong })]);
    // For another type's execution, under the own type's subject.
    await lie("math_add", partition, [forged(run), forged(run, { token: wrong })]);
    const stolen = tokens.sign(`${run}:gate@#1`);
    // In a partition that is not the run's, even with the true token.
    await lie("test_gate", (partition + 1) % nats.topology.partitions, [forged(run, { token: stolen })]);
    // The true token in the mouth of another type: the fold knows whose turn it is.
    await lie("math_add", partition, [forged(run, { token: stolen })]);

    for (const end of await Promise.all([endOf(run), endOf(other.run)])) {
      expect(end).toMatchObject({ success: true, result: { sum: 42 } });
    }
    const record = await log.readHistory(run).then(async () => JSON.parse(await historyOf(run)));
    const liars = record.entries.filter((entry: unknown) => JSON.stringify(entry).includes("liar"));
    expect(liars.map((entry: { message: { type: string } }) => entry.message.type)).toEqual(["math_add"]);
  });

  test("with the message id of the true one, as far as it can be guessed, has nothing dropped", async () => {
    const run = runIdOf(`forged-${count}`);
    const partition = partitionOf(run, nats.topology.partitions);
    const ids = [`${run}:gate@#1`, `${run}:gate@>sum#1`, `${run}:submitted`, `${run}:finished`];
    const plant = async (): Promise<void> => {
      for (const id of [...ids, ...ids.map((one) => `${one}~`)]) {
        await lie("test_gate", partition, [forged(run)], id);
        // In the dispatch queue too, where an actor may put messages of its own type.
        const entry = { id, run, flow: "f", partition, node: "x", inputs: {}, lost: 99 };
        const message = encodeMessage({ v: 1, type: "test_gate", entries: [entry] });
        await jetstream(nats.nc).publish(subjects.node("test_gate"), message, { msgID: id });
      }
    };
    await plant();
    expect((await submitted()).run).toBe(run);
    await plant();
    expect(await endOf(run)).toMatchObject({ success: true, result: { sum: 42 } });
  });

  test("of an attempt that is over counts for nothing, though its token is the true one", async () => {
    const { run, partition } = await submitted(true);
    await eventually(() => attempts.get(run) === 2, "the second attempt runs");
    const token = (await tokensOn(nats.nc)).sign(`${run}:gate@#1`);
    await lie("test_gate", partition, [forged(run, { token })]);
    expect(await endOf(run)).toMatchObject({ success: true, result: { sum: 42 } });
  });

  test("is counted and logged, not more than once a minute, without a token in what is said", async () => {
    const { run, partition } = await submitted();
    const token = executionTokens([Buffer.alloc(32, 1)]).sign(`${run}:gate@#1`);
    for (let n = 0; n < 50; n++) await lie("test_gate", partition, [forged(run, { token })]);
    await endOf(run);
    const refusals = warnings.filter((line) => line.includes("run log were refused"));
    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toContain("without its execution's token");
    expect(warnings.join()).not.toContain(token);
  });
});

test("a token is in the dispatch queue and in the log, and in nothing that is made from them", async () => {
  const heard: string[] = [];
  const watch = nats.nc.subscribe("rayflow.event.>", {
    callback: (_error, msg) => void heard.push(new TextDecoder().decode(msg.data)),
  });
  const { run } = await submitted();
  const token = (await tokensOn(nats.nc)).sign(`${run}:gate@#1`);
  const from = await log.lastSeq();
  await endOf(run);
  const history = await historyOf(run);
  const { direct } = await jetstreamManager(nats.nc);
  const inLog: string[] = [];
  for (let seq = from; seq <= (await log.lastSeq()); seq++) {
    const message = await direct.getMessage(STREAMS.log, { seq }).catch(() => null);
    if (message) inLog.push(new TextDecoder().decode(message.data));
  }
  expect(inLog.join()).toContain(token);
  expect(heard.length).toBeGreaterThan(0);
  for (const text of [heard.join(), history, JSON.stringify(await log.finishedResult(run)), warnings.join()]) {
    expect(text).not.toContain(token);
  }
  watch.unsubscribe();
});

test("two who find no keys at the same time agree on the same ones", async () => {
  const [a, b] = [await nats.connect(), await nats.connect()];
  const { streams } = await jetstreamManager(nats.nc);
  await streams.purge(`KV_${BUCKETS.keys}`);
  const [one, two] = await Promise.all([tokensOn(a), tokensOn(b)]);
  expect(one.sign("r1:a@#1")).toBe(two.sign("r1:a@#1"));
  expect((await streams.info(`KV_${BUCKETS.keys}`)).state.messages).toBe(1);
});
