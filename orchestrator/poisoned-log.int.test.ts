/** Messages of the log that name what cannot be: the run that they speak of ends, and nobody else waits for them. */
import { jetstream } from "@nats-io/jetstream";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Actor, loadNodes, startActor } from "../actors/index.ts";
import { flowBuilder } from "../flow/testing.ts";
import { partitionOf, runIdOf, subjects } from "../nats/index.ts";
import { eventually, withServer } from "../nats/testing.ts";
import { RunLog } from "../store/index.ts";
import { type Orchestrator, startOrchestrator } from "./orchestrator.ts";

const PARTITIONS = 2;
const REST_MS = 100;
const nats = withServer({ topology: { partitions: PARTITIONS } });
let actor: Actor;
let orchestrator: Orchestrator;
let log: RunLog;
let made = 0;

beforeAll(async () => {
  await nats.start();
  const { nodes } = await loadNodes();
  actor = await startActor({ nc: await nats.connect("actor"), nodes, logger: pino({ level: "silent" }) });
  orchestrator = await startOrchestrator({
    nc: await nats.connect("orchestrator"),
    topology: nats.topology,
    restAfterMs: REST_MS,
    trimEveryMs: 100,
  });
  log = await RunLog.open(nats.nc);
}, 60_000);

afterAll(async () => {
  await orchestrator?.stop();
  await actor?.stop({ drainMs: 0 });
  await nats.stop();
});

const flow = flowBuilder().node("start", "start").node("ret", "return").chain("start", "ret").build();
const waiter = flowBuilder()
  .node("start", "start")
  .node("wait", "control_wait_signal", { config: { signal: "go" } })
  .node("ret", "return")
  .chain("start", "wait", "ret")
  .build();

/** A message id whose run lies in the partition. */
function idIn(partition: number): string {
  for (;;) {
    const id = `poisoned-${++made}`;
    if (partitionOf(runIdOf(id), PARTITIONS) === partition) return id;
  }
}

async function submit(what: unknown, partition: number): Promise<string> {
  const msgID = idIn(partition);
  await jetstream(nats.nc).publish(subjects.submit(), JSON.stringify({ flow: what, inputs: {} }), { msgID });
  return runIdOf(msgID);
}

/** As one would write it who has the right to and no care. */
async function write(partition: number, message: object): Promise<string> {
  const run = runIdOf(idIn(partition));
  const bytes = JSON.stringify({ v: 1, run, inputs: {}, options: {}, ...message });
  await jetstream(nats.nc).publish(subjects.run(partition, run), bytes);
  return run;
}

const statusOf = async (run: string): Promise<string | undefined> => (await log.finishedResult(run))?.status;
const trimmed = async (): Promise<boolean> => {
  const { firstSeq, lastSeq } = await log.bounds();
  return firstSeq > lastSeq;
};

test.each([
  ["%00", "%00"],
  ["nothing", ""],
  ["two words", "a b"],
  ["dots", ".."],
  ["a wildcard", ">"],
  ["a letter beyond ASCII", "é"],
  ["5 000 letters", "x".repeat(5_000)],
  ["a hash of nothing", "A".repeat(43)],
])("a run whose flow is said to lie under %s fails, and the partition goes on", async (_, blueprint) => {
  const lost = await write(0, { kind: "submitted_ref", blueprint });
  const next = await submit(flow, 0);
  await eventually(async () => (await statusOf(next)) === "succeeded", `a run behind ${blueprint.slice(0, 20)} ends`);
  await eventually(async () => (await statusOf(lost)) === "failed", "the run without a flow ends");
});

test.each([
  ["a parent that no subject can name", { parent: { run: "a.b *", execution: "x", depth: 1 } }],
  ["a blueprint that no key can be", { blueprint: "%00" }],
])("a run with %s ends and leaves nothing in the log", async (_, more) => {
  const { types = [], ...rest } = flow as { types?: unknown[] };
  const whole = { variables: {}, error_strategy: "abort", drain: "cancel", ...rest };
  const run = await write(1, { kind: "submitted", flow: whole, types, ...more });
  await eventually(async () => (await statusOf(run)) !== undefined, "it ends");
  await eventually(trimmed, "the log is cut off behind it");
});

test("a run that is never left alone does not hold back the log", async () => {
  const busy = await submit(waiter, 0);
  const first = await log.lastSeq();
  const disturb = async (): Promise<void> => {
    const id = `s${++made}`;
    await log.append({ v: 1, kind: "signal", run: busy, signal: "other", payload: 1, id }, { msgId: id });
  };
  await eventually(() => orchestrator.activeRuns === 1, "it waits");
  const js = jetstream(nats.nc);
  const noise = Array.from({ length: 2_500 }, () => js.publish(subjects.run(1, "nobody"), "noise"));
  const end = performance.now() + 20 * REST_MS;
  // Every few ms it hears something: it never rests.
  while (performance.now() < end) {
    await disturb();
    await new Promise((done) => setTimeout(done, REST_MS / 5));
  }
  await Promise.all(noise);
  await eventually(async () => {
    await disturb();
    return (await log.bounds()).firstSeq > first + 2_000;
  }, "the log is cut off though the run is awake");
  expect(orchestrator.activeRuns).toBe(1);
  await log.append({ v: 1, kind: "signal", run: busy, signal: "go", payload: 1, id: "go" }, { msgId: `${busy}:go` });
  await eventually(async () => (await statusOf(busy)) === "succeeded", "it ends all the same");
});
