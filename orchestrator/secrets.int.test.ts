/** A secret from the flow to the node's code and back, with a real server: it is in nothing that is stored or sent. */
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Actor, defineNode, loadNodes, startActor } from "../actors/index.ts";
import { any, str } from "../actors/sdk.ts";
import { flowBuilder } from "../flow/testing.ts";
import { BUCKETS, bucketStream, type RunResult, runIdOf, STREAMS, subjects } from "../nats/index.ts";
import { eventually, withServer } from "../nats/testing.ts";
import { RunLog } from "../store/index.ts";
import { type Orchestrator, startOrchestrator } from "./orchestrator.ts";

const VALUE = "correct-horse-battery";
const nats = withServer({ topology: { leaseTtlMs: 1_000 } });
let actor: Actor;
let orchestrator: Orchestrator;
let log: RunLog;
const got: string[] = [];
const lines: string[] = [];

const login = defineNode({
  type: "test_login",
  title: "Log in",
  category: "test",
  inputs: { key: str(), data: any().default(null) },
  outputs: { text: str(), data: any() },
  async run({ inputs: { key, data }, ctx }) {
    got.push(key);
    ctx.log.warn(`logging in with ${key}`);
    await ctx.variables.set("run", "used", key);
    if (data === "fail") throw new Error(`the server does not like ${key}`);
    return { text: `logged in with ${key}`, data };
  },
});

beforeAll(async () => {
  await nats.start();
  const { nodes } = await loadNodes();
  const logger = pino({ level: "debug" }, { write: (line: string) => void lines.push(line) });
  const secrets = { environment: { LOGIN: VALUE } };
  const all = new Map([...nodes, ["test_login", login]]);
  actor = await startActor({ nc: await nats.connect("actor"), nodes: all, logger, secrets });
  orchestrator = await startOrchestrator({ nc: await nats.connect("orchestrator"), logger });
  log = await RunLog.open(nats.nc);
}, 60_000);
afterAll(async () => {
  await orchestrator?.stop();
  await actor?.stop({ drainMs: 0 });
  await nats.stop();
});

const flow = flowBuilder()
  .node("start", "start")
  .node("login", "test_login", { constants: { key: { $secret: "login" } } })
  .node("ret", "return")
  .chain("start", "login", "ret")
  .data("start.data", "login.data")
  .data("login.text", "ret.text")
  .data("login.data", "ret.data")
  .build();

let count = 0;
async function run(data: unknown): Promise<{ id: string; result: RunResult }> {
  const msgID = `secret-${count++}`;
  const id = runIdOf(msgID);
  const payload = JSON.stringify({ flow, inputs: { data }, options: { debug: true } });
  await jetstream(nats.nc).publish(subjects.submit(), payload, { msgID });
  let result: RunResult | undefined;
  await eventually(
    async () => {
      result = await log.finishedResult(id);
      return result !== undefined;
    },
    "the run ends",
    20_000,
  );
  if (!result) throw new Error("it has not ended");
  return { id, result };
}

test("a secret reaches the node's code, and nothing that is stored, sent or logged", async () => {
  const heard: string[] = [];
  const everything = nats.nc.subscribe(">", {
    callback: (_error, msg) => void heard.push(new TextDecoder().decode(msg.data)),
  });
  await nats.nc.flush();
  const data = { $secret: "login" };
  const good = await run(data);
  expect(got).toEqual([VALUE]);
  // What came in from outside asked for nothing.
  expect(good.result).toMatchObject({ success: true, result: { text: "logged in with ***", data } });
  const bad = await run("fail");
  expect(bad.result).toMatchObject({ success: false, error: { message: "the server does not like ***" } });

  await eventually(async () => (await log.readHistory(bad.id)) !== undefined, "the history has the run");
  const { streams, direct } = await jetstreamManager(nats.nc);
  const stored: string[] = [];
  for (const name of [STREAMS.log, STREAMS.history, bucketStream(BUCKETS.vars), bucketStream(BUCKETS.cache)]) {
    const { state } = await streams.info(name);
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const message = await direct.getMessage(name, { seq }).catch(() => null);
      if (message) stored.push(new TextDecoder().decode(message.data));
    }
  }
  const histories = [good, bad].map(async ({ id }) => JSON.stringify(await log.readHistory(id)));
  const all = [...heard, ...stored, ...lines, ...(await Promise.all(histories))];
  expect(all.join("\n")).toContain("logging in with ***");
  expect(all.filter((text) => text.includes(VALUE))).toEqual([]);
  everything.unsubscribe();
});
