/** Traces of runs that last: what has ended is exported before the run has, and once. */
import { jetstream } from "@nats-io/jetstream";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Actor, loadNodes, startActor } from "../actors/index.ts";
import { flowBuilder } from "../flow/testing.ts";
import { runIdOf, subjects } from "../nats/index.ts";
import { withServer } from "../nats/testing.ts";
import { RunLog } from "../store/index.ts";
import { startTracing, type Tracing } from "../telemetry/index.ts";
import { orphans, startTraceReceiver, type TraceReceiver, treeOf } from "../tests/trace-receiver.ts";
import { type Orchestrator, startOrchestrator } from "./orchestrator.ts";
import { traceIdOfRun } from "./run/trace-ids.ts";

const nats = withServer({ topology: { leaseTtlMs: 1_000 } });
let receiver: TraceReceiver;
let tracing: Tracing | undefined;
let actor: Actor;
let orchestrator: Orchestrator;
let log: RunLog;

const orchestrate = async (): Promise<Orchestrator> =>
  startOrchestrator({ nc: await nats.connect("orchestrator"), topology: nats.topology, restAfterMs: 50, tracing });

beforeAll(async () => {
  [receiver] = await Promise.all([startTraceReceiver(), nats.start()]);
  tracing = await startTracing({
    service: "test",
    version: "1",
    variables: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: "20" },
    logger: { info: () => {}, warn: () => {} },
  });
  const { nodes } = await loadNodes();
  log = await RunLog.open(nats.nc);
  actor = await startActor({ nc: await nats.connect("actor"), nodes, logger: pino({ level: "silent" }), tracing });
  orchestrator = await orchestrate();
}, 60_000);

afterAll(async () => {
  await orchestrator?.stop();
  await actor?.stop();
  await tracing?.stop(1_000);
  await Promise.all([nats.stop(), receiver?.stop()]);
});

test("a run that rests shows what has ended of it; each who takes it over exports the rest, and nobody anything twice", async () => {
  const waits = { config: { signal: "go" } };
  const flow = flowBuilder({ name: "patient" })
    .node("start", "start")
    .node("before", "math_add", { constants: { x: 1, y: 2 } })
    .node("wait", "control_wait_signal", waits)
    .node("after", "math_add", { constants: { x: 3, y: 4 } })
    .node("again", "control_wait_signal", waits)
    .node("ret", "return")
    .chain("start", "before", "wait", "after", "again", "ret")
    .build();
  const msgID = "patient";
  await jetstream(nats.nc).publish(subjects.submit(), JSON.stringify({ flow }), { msgID });
  const run = runIdOf(msgID);
  const names = () => receiver.trace(traceIdOfRun(run)).map(({ name }) => name);
  const signal = (id: string) =>
    log.append({ v: 1, kind: "signal", run, signal: "go", payload: null, id }, { msgId: `${run}:${id}` });
  const shown = (name: string) => vi.waitFor(() => expect(names()).toContain(name), { timeout: 20_000, interval: 50 });

  await shown("math_add before");
  expect(names()).not.toContain("run_flow patient");
  await signal("first");
  await shown("math_add after");
  expect(names()).not.toContain("control_wait_signal again");

  await orchestrator.stop();
  orchestrator = await orchestrate();
  await signal("second");
  await shown("run_flow patient");

  const spans = receiver.trace(traceIdOfRun(run));
  expect(orphans(spans)).toEqual([]);
  expect(treeOf(spans, ({ attributes }) => String(attributes["rayflow.node.id"] ?? ""))).toMatchInlineSnapshot(`
    "run_flow patient [consumer]
      control_wait_signal again [internal] again
      control_wait_signal wait [internal] wait
      math_add after [internal] after
        send rayflow.node.math_add [producer] after
          process rayflow.node.math_add [consumer] after
      math_add before [internal] before
        send rayflow.node.math_add [producer] before
          process rayflow.node.math_add [consumer] before
      return ret [internal] ret
      start start [internal] start"
  `);
  // Handed over in order: nothing was made twice.
  expect(receiver.spans.filter(({ traceId }) => traceId === traceIdOfRun(run))).toHaveLength(spans.length);
}, 60_000);
