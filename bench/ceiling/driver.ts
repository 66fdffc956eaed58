/**
 * In the place of an orchestrator: publishes dispatch messages, reads the log in order, publishes what follows. A "run"
 * is a counter in memory; there is no flow, no state machine, no checkpoint.
 * Argument: the server's URL.
 */
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { LoadAnswer } from "../load/protocol.ts";
import { Measurement } from "../measurement.ts";
import { readCpu } from "../process-cpu.ts";
import type { CeilingMode, CeilingRequest } from "./protocol.ts";
import { startWholeRuns } from "./whole-runs.ts";
import {
  ackedPublisher,
  type DispatchEntry,
  dispatchSubject,
  LOG,
  type ResultMessage,
  type RunMessage,
  setUpStreams,
} from "./wire.ts";

/** Most entries of one message, as in the engine. */
const MAX_ENTRIES = 32;
/** What the server takes, less some room. */
const MAX_BYTES = 1_000_000;

interface Run {
  readonly id: string;
  readonly begun: number;
  stage: number;
  /** Steps of this stage that have no result yet. */
  open: number;
}

const nc = await connect({ servers: process.argv[2] ?? "nats://127.0.0.1:4222", name: "ceiling driver" });
await setUpStreams(await jetstreamManager(nc));
const publish = ackedPublisher(nc, (error) => answer({ type: "failed", message: error.message }));
const runs = new Map<string, Run>();
let serial = 0;
let ready: DispatchEntry[] = [];
let request: CeilingRequest | undefined;
let measurement: Measurement | undefined;
let payload: { payload?: string } = {};

function answer(message: LoadAnswer): void {
  process.send?.(message);
}

function begin(): void {
  const run: Run = {
    id: `r${(++serial).toString(32).padStart(25, "0")}`,
    begun: performance.now(),
    stage: -1,
    open: 0,
  };
  runs.set(run.id, run);
  if (request?.mode === "whole") whole.submit(run.id);
  else nextStage(run);
}

function nextStage(run: Run): void {
  if (!request) return;
  run.stage++;
  run.open = request.stages[run.stage] ?? 0;
  for (let i = 0; i < run.open; i++) dispatch(entryOf(run, i), request.mode);
}

function entryOf(run: Run, i: number): DispatchEntry {
  const node = `s${run.stage + i}`;
  const activation = `${run.id}:${node}@`;
  return {
    kind: "exec",
    id: `${activation}#${run.stage}.${i}`,
    run: run.id,
    flow: "bench-chain-10",
    partition: 0,
    node,
    scope: "",
    attempt: 1,
    inputs: { value: run.stage, ...payload },
    config: {},
    timeout_ms: 300_000,
    idempotency_key: activation,
  };
}

function dispatch(entry: DispatchEntry, mode: CeilingMode): void {
  if (mode === "single") return send([entry]);
  ready.push(entry);
  if (ready.length === 1) setImmediate(flush);
}

function flush(): void {
  const all = ready;
  ready = [];
  const bytes = 500 + (request?.payloadBytes ?? 0);
  const most = Math.max(1, Math.min(MAX_ENTRIES, Math.floor(MAX_BYTES / bytes)));
  for (let at = 0; at < all.length; at += most) send(all.slice(at, at + most));
}

function send(entries: DispatchEntry[]): void {
  publish(dispatchSubject, { v: 1, type: "bench_step", entries }, entries[0]?.id ?? "", () => {});
}

function take(message: ResultMessage | RunMessage): void {
  if (!("results" in message)) {
    const run = runs.get(message.run);
    if (!run) return;
    if (message.kind === "submitted") nextStage(run);
    else whole.settle(run.id);
    return;
  }
  takeResults(message);
}

function takeResults({ results }: ResultMessage): void {
  for (const result of results) {
    const run = runs.get(result.run);
    if (!run) continue;
    if (result.outputs.value !== run.stage + 1) throw new Error(`a step gave ${result.outputs.value}`);
    run.open--;
    if (run.open > 0) continue;
    if (run.stage + 1 < (request?.stages.length ?? 0)) nextStage(run);
    else if (request?.mode === "whole") whole.finish(run.id);
    else end(run);
  }
}

function end(run: Run): void {
  runs.delete(run.id);
  if (!measurement) return;
  if (measurement.ended(performance.now() - run.begun) === "again") begin();
  else if (runs.size === 0 && measurement.report) answer({ type: "report", report: measurement.report });
}

const whole = await startWholeRuns(nc, publish, (id) => {
  const run = runs.get(id);
  if (run) end(run);
});
const log = await jetstream(nc).consumers.get(LOG);
await log.consume({ max_messages: 1_000, callback: (msg) => take(msg.json<ResultMessage | RunMessage>()) });

process.on("message", (asked: CeilingRequest) => {
  request = asked;
  payload = asked.payloadBytes > 0 ? { payload: "x".repeat(asked.payloadBytes) } : {};
  const pids = { ...asked.pids, orchestrator: [process.pid] };
  measurement = new Measurement({
    extent: asked.extent,
    readCpu: () => readCpu(pids),
    now: () => performance.now(),
  });
  for (let i = 0; i < measurement.width; i++) begin();
});
process.on("disconnect", () => process.exit(0));
answer({ type: "ready" });
