/** Traces of real processes, as a real OTLP receiver gets them. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { jetstream } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { flowBuilder } from "../flow/testing.ts";
import { partitionOf, type RunResult, runIdOf, subjects } from "../nats/index.ts";
import { withServer } from "../nats/testing.ts";
import { rootSpanId, traceIdOfRun } from "../orchestrator/run/trace-ids.ts";
import { CheckpointStore, RunLog } from "../store/index.ts";
import { type RunningCommand, rayflow, startRayflow, temporaryFolder } from "./rayflow-process.ts";
import { orphans, type ReceivedSpan, startTraceReceiver, type TraceReceiver, treeOf } from "./trace-receiver.ts";

const NODES = {
  // Opens spans of its own, one in the other, the second one where the active context is lost.
  careful: `import { defineNode, z } from "rayflow";
export default defineNode({
  type: "test_careful", title: "Careful", category: "test",
  inputs: { x: z.number() }, outputs: { x: z.number() },
  run: ({ inputs, ctx }) => ctx.tracer.startActiveSpan("look up", async (span) => {
    await new Promise((done) => setTimeout(done, 5));
    ctx.tracer.startSpan("ask the database", { attributes: { rows: 3 } }).end();
    span.end();
    return { x: inputs.x };
  }),
});
`,
  moody: `import { defineNode, z } from "rayflow";
export default defineNode({
  type: "test_moody", title: "Moody", category: "test",
  inputs: { fails: z.number().int() }, outputs: { attempt: z.number().int() },
  run: ({ inputs, ctx }) => {
    if (ctx.attempt <= inputs.fails) throw new Error("not in the mood");
    return { attempt: ctx.attempt };
  },
});
`,
};

const nats = withServer({ topology: { leaseTtlMs: 1_000 } });
const folder = temporaryFolder();
const nodes = path.join(folder.path, "nodes");
const running: RunningCommand[] = [];
let receiver: TraceReceiver;
let log: RunLog;
let gatewayUrl: string;
let orchestrator: RunningCommand;

const traced = () => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
  OTEL_BSP_SCHEDULE_DELAY: "100",
  OTEL_METRICS_EXPORTER: "none",
});

async function start(args: readonly string[], env: Record<string, string> = {}): Promise<RunningCommand> {
  const made = startRayflow([...args, "--server", nats.server.url], {
    env: { RAYFLOW_LOG_LEVEL: "info", ...traced(), ...env },
  });
  running.push(made);
  await made.until(/is up|actor ready/);
  return made;
}

beforeAll(async () => {
  mkdirSync(path.join(nodes, "test"), { recursive: true });
  for (const [name, code] of Object.entries(NODES)) writeFileSync(path.join(nodes, "test", `${name}.ts`), code);
  [receiver] = await Promise.all([startTraceReceiver(), nats.start()]);
  log = await RunLog.open(nats.nc);
  let gateway: RunningCommand;
  [orchestrator, , gateway] = await Promise.all([
    start(["orchestrator"]),
    start(["actor", "--nodes-dir", nodes]),
    start(["gateway", "--port", "0", "--no-editor"]),
  ]);
  gatewayUrl = /http:\/\/127\.0\.0\.1:\d+/.exec(gateway.stderr)?.[0] ?? "";
}, 60_000);

afterAll(async () => {
  for (const { child } of running) child.kill("SIGKILL");
  await Promise.all(running.map(({ ended }) => ended));
  await Promise.all([nats.stop(), receiver.stop()]);
  folder.remove();
});

const retry = { retry: { max_attempts: 3, initial_interval: "80ms", backoff: 1, jitter: false } };

/** A branch, a loop, a retry, a subflow, and an error that has its own way. */
function everything() {
  const child = flowBuilder({ name: "inner" })
    .node("start", "start", { config: { api_schema: { x: { type: "float", required: true } } } })
    .node("twice", "math_multiply", { constants: { y: 2 } })
    .node("ret", "return")
    .chain("start", "twice", "ret")
    .data("start.x", "twice.x")
    .data("twice.result", "ret.doubled")
    .build();
  return flowBuilder({ name: "everything" })
    .node("start", "start", { config: { api_schema: { x: { type: "float", required: true } } } })
    .node("isBig", "logic_compare", { config: { operator: ">" }, constants: { b: 3 } })
    .node("branch", "logic_branch")
    .node("never", "test_careful")
    .node("careful", "test_careful")
    .node("each", "control_for_each", { constants: { list: [10, 20] } })
    .node("sum", "math_add")
    .node("moody", "test_moody", { constants: { fails: 1 }, policy: retry as never })
    .node("sub", "control_subflow", { config: { flow: child } })
    .node("broken", "test_moody", { constants: { fails: 9 } })
    .node("ret", "return")
    .chain("start", "branch")
    .exec("branch.true", "careful")
    .exec("branch.false", "never")
    .chain("careful", "each")
    .exec("each.completed", "moody")
    .chain("moody", "sub", "broken")
    .exec("each.body", "sum")
    .exec("broken.error", "ret")
    .data("start.x", "isBig.a")
    .data("isBig.result", "branch.condition")
    .data("start.x", "careful.x")
    .data("start.x", "never.x")
    .data("each.item", "sum.x")
    .data("careful.x", "sum.y")
    .data("sum.result", "each.collect")
    .data("start.x", "sub.x")
    .data("sub.result", "ret.sub")
    .data("each.results", "ret.sums")
    .build();
}

async function execute(flow: unknown, inputs: object, headers: Record<string, string> = {}): Promise<RunResult> {
  const answer = await fetch(`${gatewayUrl}/api/flows/execute`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify({ flow, inputs }),
  });
  return (await answer.json()) as RunResult;
}

/** Waits for the run's own span, and for all that is under it: no parent may be missing. */
async function whole(runId: string, outer: readonly string[] = []): Promise<readonly ReceivedSpan[]> {
  return vi.waitFor(
    () => {
      const root = receiver.spans.find(
        ({ name, attributes }) => name.startsWith("run_flow") && attributes["rayflow.run.id"] === runId,
      );
      if (!root) throw new Error(`no root of ${runId} among ${receiver.spans.length} spans`);
      const spans = receiver.trace(root.traceId);
      expect(orphans(spans, outer)).toEqual([]);
      const sends = spans.filter(({ kind }) => kind === "producer");
      for (const { spanId, name } of sends) {
        expect(
          spans.some(({ parentId }) => parentId === spanId),
          `nobody processed ${name} ${spanId}`,
        ).toBe(true);
      }
      return spans;
    },
    { timeout: 20_000, interval: 50 },
  );
}

const said = ({ attributes, error, service }: ReceivedSpan): string =>
  [
    service,
    attributes["rayflow.node.id"] ?? "",
    attributes["rayflow.scope"] ?? "",
    attributes["rayflow.attempt"] === undefined ? "" : `#${attributes["rayflow.attempt"]}`,
    attributes["rayflow.exec"] ?? "",
    attributes["rayflow.skipped"] === undefined ? "" : `skipped ${attributes["rayflow.skipped"]}`,
    error === undefined ? "" : `! ${attributes["error.type"]}: ${error}`,
  ]
    .filter((word) => word !== "")
    .join(" ");

describe("a run through the HTTP gateway, in the trace of its caller", () => {
  const caller = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };
  let spans: readonly ReceivedSpan[];
  let result: RunResult;
  const find = (name: string, attributes: Record<string, unknown> = {}): ReceivedSpan => {
    const found = spans.filter(
      (span) =>
        span.name === name && Object.entries(attributes).every(([key, value]) => span.attributes[key] === value),
    );
    expect(found.map(said), name).toHaveLength(1);
    return found[0] as ReceivedSpan;
  };

  beforeAll(async () => {
    result = await execute(
      everything(),
      { x: 5 },
      {
        traceparent: `00-${caller.traceId}-${caller.spanId}-01`,
        tracestate: "shop=42,other=a",
      },
    );
    expect(result).toMatchObject({ success: true, result: { sub: { doubled: 10 }, sums: [15, 25] } });
    spans = await whole(result.run_id, [caller.spanId]);
  });

  test("is one tree, whole: branch, loop, retry, subflow and error", () => {
    expect(treeOf(spans, said)).toMatchInlineSnapshot(`
      "POST /api/flows/execute [server] rayflow-gateway
        run_flow everything [server] rayflow-orchestrator skipped never
          control_for_each each [internal] rayflow-orchestrator each completed
            each[0] [internal] rayflow-orchestrator each each[0]
              math_add sum [internal] rayflow-orchestrator sum each[0] finish
                send rayflow.node.math_add [producer] rayflow-orchestrator sum each[0] #1
                  process rayflow.node.math_add [consumer] rayflow-actor sum each[0] #1
            each[1] [internal] rayflow-orchestrator each each[1]
              math_add sum [internal] rayflow-orchestrator sum each[1] finish
                send rayflow.node.math_add [producer] rayflow-orchestrator sum each[1] #1
                  process rayflow.node.math_add [consumer] rayflow-actor sum each[1] #1
          control_subflow sub [internal] rayflow-orchestrator sub finish
            run_flow inner [internal] rayflow-orchestrator
              math_multiply twice [internal] rayflow-orchestrator twice finish
                send rayflow.node.math_multiply [producer] rayflow-orchestrator twice #1
                  process rayflow.node.math_multiply [consumer] rayflow-actor twice #1
              return ret [internal] rayflow-orchestrator ret
              start start [internal] rayflow-orchestrator start finish
          logic_branch branch [internal] rayflow-orchestrator branch true
            send rayflow.node.logic_branch [producer] rayflow-orchestrator branch #1
              process rayflow.node.logic_branch [consumer] rayflow-actor branch #1
            send rayflow.node.logic_compare [producer] rayflow-orchestrator isBig #1
              process rayflow.node.logic_compare [consumer] rayflow-actor isBig #1
          return ret [internal] rayflow-orchestrator ret
          start start [internal] rayflow-orchestrator start finish
          test_careful careful [internal] rayflow-orchestrator careful finish
            send rayflow.node.test_careful [producer] rayflow-orchestrator careful #1
              process rayflow.node.test_careful [consumer] rayflow-actor careful #1
                look up [internal] rayflow-actor
                  ask the database [internal] rayflow-actor
          test_moody broken [internal] rayflow-orchestrator broken error ! NodeExecutionError: not in the mood
            send rayflow.node.test_moody [producer] rayflow-orchestrator broken #1 ! NodeExecutionError: not in the mood
              process rayflow.node.test_moody [consumer] rayflow-actor broken #1 ! NodeExecutionError: not in the mood
          test_moody moody [internal] rayflow-orchestrator moody finish
            send rayflow.node.test_moody [producer] rayflow-orchestrator moody #1 ! NodeExecutionError: not in the mood
              process rayflow.node.test_moody [consumer] rayflow-actor moody #1 ! NodeExecutionError: not in the mood
            send rayflow.node.test_moody [producer] rayflow-orchestrator moody #2
              process rayflow.node.test_moody [consumer] rayflow-actor moody #2"
    `);
  });

  test("continues the caller's span and passes on its tracestate", () => {
    const request = find("POST /api/flows/execute");
    expect(request).toMatchObject({ traceId: caller.traceId, parentId: caller.spanId });
    expect(request.attributes).toMatchObject({
      "http.route": "/api/flows/execute",
      "http.response.status_code": 200,
      "rayflow.run.id": result.run_id,
    });
    expect(find("run_flow everything").parentId).toBe(request.spanId);
    const entire = spans.filter(({ tracestate }) => tracestate !== "shop=42,other=a");
    expect(entire.map(({ name }) => name)).toEqual([]);
  });

  test("says what each span is about", () => {
    expect(find("run_flow everything").attributes).toEqual({
      "messaging.system": "nats",
      "messaging.destination.name": "rayflow.flow.run",
      "messaging.operation.name": "process",
      "messaging.operation.type": "process",
      "messaging.message.conversation_id": result.run_id,
      "rayflow.run.id": result.run_id,
      "rayflow.flow.name": "everything",
      "rayflow.run.status": "succeeded",
      "rayflow.run.return": "ret",
      "rayflow.nodes.executed": result.statistics.nodes_executed,
      "rayflow.nodes.failed": 1,
      "rayflow.nodes.skipped": 1,
      "rayflow.skipped": ["never"],
    });
    const send = find("send rayflow.node.math_add", { "rayflow.scope": "each[1]" });
    const process = find("process rayflow.node.math_add", { "rayflow.scope": "each[1]" });
    const shared = {
      "messaging.system": "nats",
      "messaging.destination.name": "rayflow.node.math_add",
      "messaging.message.conversation_id": result.run_id,
      "messaging.message.id": `${result.run_id}:sum@each[1]#1`,
      "rayflow.run.id": result.run_id,
      "rayflow.flow.name": "everything",
      "rayflow.node.id": "sum",
      "rayflow.node.type": "math_add",
      "rayflow.scope": "each[1]",
      "rayflow.attempt": 1,
    };
    expect(send.attributes).toEqual({
      ...shared,
      "messaging.operation.name": "send",
      "messaging.operation.type": "send",
      "rayflow.state": "ok",
    });
    expect(process.attributes).toEqual({
      ...shared,
      "messaging.operation.name": "process",
      "messaging.operation.type": "process",
      "rayflow.actor": expect.any(String),
      "rayflow.queue_time": expect.any(Number),
    });
    expect(process.links).toEqual([{ traceId: caller.traceId, spanId: send.spanId }]);
    expect(find("send rayflow.node.logic_compare").attributes).toMatchObject({ "rayflow.pulled_by": "branch" });
    expect(find("ask the database").attributes).toEqual({ rows: 3 });
  });

  test("tells the wait in the queue from the work, and shows the wait between two attempts", () => {
    for (const process of spans.filter(({ kind }) => kind === "consumer")) {
      const send = spans.find(({ spanId }) => spanId === process.parentId) as ReceivedSpan;
      // One clock on this machine; the log's has whole milliseconds.
      expect(process.start).toBeGreaterThanOrEqual(send.start);
      expect(send.end).toBeGreaterThanOrEqual(Math.floor(process.end));
      const queued = Number(process.attributes["rayflow.queue_time"]) * 1_000;
      expect(queued).toBeGreaterThanOrEqual(0);
      expect(queued).toBeLessThanOrEqual(process.start - send.start + 2);
    }
    const [first, second] = [1, 2].map((attempt) =>
      find("send rayflow.node.test_moody", { "rayflow.node.id": "moody", "rayflow.attempt": attempt }),
    ) as [ReceivedSpan, ReceivedSpan];
    expect(second.start - first.end).toBeGreaterThanOrEqual(80);
    const whole = find("test_moody moody");
    expect(whole.attributes).toMatchObject({ "rayflow.attempts": 2, "rayflow.state": "completed" });
    expect([whole.start, whole.end]).toEqual([first.start, second.end]);
    for (const span of spans.filter(({ service }) => service === "rayflow-orchestrator")) {
      const parent = spans.find(({ spanId }) => spanId === span.parentId) as ReceivedSpan;
      if (parent.service !== span.service) continue;
      expect([span.start >= parent.start, span.end <= parent.end], `${span.name} in ${parent.name}`).toEqual([
        true,
        true,
      ]);
    }
  });

  test("records what failed as an exception with its code", () => {
    const exception = { "exception.type": "NodeExecutionError", "exception.message": "not in the mood" };
    for (const name of ["test_moody broken", "send rayflow.node.test_moody", "process rayflow.node.test_moody"]) {
      const span = find(name, { "rayflow.node.id": "broken" });
      expect(span.attributes["error.type"]).toBe("NodeExecutionError");
      expect(span.exceptions).toEqual([exception]);
    }
    expect(find("test_moody broken").attributes["rayflow.exec"]).toEqual(["error"]);
  });

  test("leads the editor to it: the trace id lies in the run's log", async () => {
    const answer = await fetch(`${gatewayUrl}/api/runs/${result.run_id}/log`);
    const { entries } = (await answer.json()) as { entries: { message: { traceparent?: string } }[] };
    expect(entries[0]?.message.traceparent).toBe(`00-${caller.traceId}-${find("POST /api/flows/execute").spanId}-01`);
  });
});

const one = () =>
  flowBuilder({ name: "one" }).node("start", "start").node("ret", "return").chain("start", "ret").build();

describe("who decides that a run is traced", () => {
  test("its publisher: what that does not sample is not traced", async () => {
    const traceId = "1af7651916cd43dd8448eb211c80319c";
    const unsampled = await execute(one(), {}, { traceparent: `00-${traceId}-b7ad6b7169203331-00` });
    expect(unsampled).toMatchObject({ success: true });
    // What comes after it is there: it would be too.
    await whole((await execute(one(), {})).run_id);
    expect(receiver.spans.filter((span) => span.traceId === traceId)).toEqual([]);
    const submitted = await firstEntry(unsampled.run_id);
    expect(submitted).not.toHaveProperty("traceparent");
  });

  test("nobody but the orchestrator, when it is published without one: the trace is the run's own", async () => {
    const msgID = "bare";
    await jetstream(nats.nc).publish(subjects.submit(), JSON.stringify({ flow: one() }), { msgID });
    const run = runIdOf(msgID);
    const spans = await whole(run);
    const root = spans.find(({ name }) => name === "run_flow one");
    expect(root).toMatchObject({ parentId: "", kind: "consumer", traceId: traceIdOfRun(run), spanId: rootSpanId(run) });
    expect(spans).toHaveLength(3);
  });

  test("the caller of the request/reply service", async () => {
    const h = headers();
    const traceId = "2af7651916cd43dd8448eb211c80319c";
    h.set("traceparent", `00-${traceId}-b7ad6b7169203331-01`);
    const answer = await nats.nc.request("rayflow.svc.flow.run", JSON.stringify({ flow: one() }), {
      headers: h,
      timeout: 10_000,
    });
    const spans = await whole(answer.json<RunResult>().run_id, ["b7ad6b7169203331"]);
    expect(treeOf(spans, ({ parentId }) => (parentId === "b7ad6b7169203331" ? "of the caller" : ""))).toBe(
      [
        "rayflow.svc.flow.run [server] of the caller",
        "  run_flow one [server]",
        "    return ret [internal]",
        "    start start [internal]",
      ].join("\n"),
    );
  });

  test("the shell that calls `rayflow run`, by TRACEPARENT", async () => {
    const file = path.join(folder.path, "one.json");
    writeFileSync(file, JSON.stringify(one()));
    const traceId = "3af7651916cd43dd8448eb211c80319c";
    const env = { TRACEPARENT: `00-${traceId}-b7ad6b7169203331-01`, ...traced() };
    const { code, stdout } = await rayflow(["run", file, "--server", nats.server.url, "--json"], { env });
    expect(code).toBe(0);
    const spans = await whole(JSON.parse(stdout).run_id, ["b7ad6b7169203331"]);
    expect(spans.find(({ name }) => name === "rayflow run")).toMatchObject({
      kind: "client",
      traceId,
      service: "rayflow",
    });
    expect(spans).toHaveLength(4);
  });
});

test("a receiver that is not there holds up no run, and is told of once", async () => {
  const file = path.join(folder.path, "one.json");
  writeFileSync(file, JSON.stringify(one()));
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9", OTEL_METRICS_EXPORTER: "none" };
  const { code, stderr } = await rayflow(["run", file, "--local", "--json"], { env });
  expect(code, stderr).toBe(0);
  expect(stderr.match(/traces cannot be exported/g) ?? []).toHaveLength(1);
});

/** Ten steps in a row, with naps between them, around a loop: so that there is a middle to be killed in. */
function longFlow() {
  const steps = Array.from({ length: 6 }, (_, at) => `s${at}`);
  const flow = flowBuilder({ name: "long" })
    .node("start", "start")
    .node("each", "control_for_each", {
      constants: { list: [1, 2] },
    });
  for (const [at, id] of steps.entries()) {
    flow.node(id, "math_add", { constants: { x: at, y: 1 } });
    flow.node(`nap${at}`, "control_sleep", { constants: { seconds: 0.1 } });
  }
  flow.node("ret", "return").chain("start", "each").exec("each.body", "s0").exec("each.completed", "s3");
  return flow
    .chain("s0", "nap0", "s1", "nap1", "s2", "nap2")
    .chain("s3", "nap3", "s4", "nap4", "s5", "nap5", "ret")
    .build();
}

test("orchestrators that are killed, in the middle and after the end, leave one tree, whole, when another takes over", async () => {
  const outcomes = await Promise.all(
    Array.from({ length: 3 }, async (_, at) => {
      const msgID = `killed-${at}`;
      await jetstream(nats.nc).publish(subjects.submit(), JSON.stringify({ flow: longFlow() }), { msgID });
      return runIdOf(msgID);
    }),
  );
  const [run = ""] = outcomes;
  await vi.waitFor(
    async () => {
      let results = 0;
      for await (const entry of log.runEntries(run)) if (entry.kind === "result") results++;
      expect(results).toBeGreaterThanOrEqual(4);
    },
    { timeout: 20_000, interval: 20 },
  );
  const kill = async ({ child, ended }: RunningCommand) => {
    child.kill("SIGKILL");
    await ended;
  };
  await kill(orchestrator);
  expect(await log.finishedResult(run)).toBeUndefined();
  // This one sees the runs end, and is killed with all of their spans still in its hands.
  const second = await start(["orchestrator"], { OTEL_BSP_SCHEDULE_DELAY: "600000" });
  for (const id of outcomes) {
    await vi.waitFor(async () => expect(await log.finishedResult(id)).toMatchObject({ success: true }), {
      timeout: 30_000,
      interval: 100,
    });
  }
  // Its checkpoints say that all is settled, and keep what the spans are made from.
  const checkpoints = await CheckpointStore.open(nats.nc);
  for (const id of outcomes) {
    const seqs: number[] = [];
    for await (const { seq } of log.runEntries(id)) seqs.push(seq);
    const { checkpoint } = await vi.waitFor(
      async () => {
        const read = await checkpoints.read(partitionOf(id, nats.topology.partitions));
        expect(read.checkpoint?.emitted_through).toBeGreaterThanOrEqual(seqs.at(-1) ?? Infinity);
        return read;
      },
      { timeout: 20_000, interval: 100 },
    );
    expect(checkpoint?.replay_from).toBeLessThanOrEqual(seqs[0] ?? 0);
  }
  await kill(second);
  expect(receiver.spans.some(({ name }) => name === "run_flow long")).toBe(false);
  await start(["orchestrator"]);
  for (const id of outcomes) {
    const spans = await whole(id);
    expect(treeOf(spans, ({ attributes }) => String(attributes["rayflow.scope"] ?? ""))).toBe(LONG_TREE);
  }
});

const step = (id: string, depth: number, scope: string) => {
  const indent = "  ".repeat(depth);
  const suffix = scope === "" ? "" : ` ${scope}`;
  return [
    `${indent}math_add ${id} [internal]${suffix}`,
    `${indent}  send rayflow.node.math_add [producer]${suffix}`,
    `${indent}    process rayflow.node.math_add [consumer]${suffix}`,
  ];
};
const nap = (at: number, depth: number, scope: string) =>
  `${"  ".repeat(depth)}control_sleep nap${at} [internal]${scope === "" ? "" : ` ${scope}`}`;
const LONG_TREE = [
  "run_flow long [consumer]",
  "  control_for_each each [internal]",
  ...["each[0]", "each[1]"].flatMap((scope) => [
    `    ${scope} [internal] ${scope}`,
    ...[0, 1, 2].map((at) => nap(at, 3, scope)),
    ...["s0", "s1", "s2"].flatMap((id) => step(id, 3, scope)),
  ]),
  ...[3, 4, 5].map((at) => nap(at, 1, "")),
  ...["s3", "s4", "s5"].flatMap((id) => step(id, 1, "")),
  "  return ret [internal]",
  "  start start [internal]",
].join("\n");

async function firstEntry(run: string): Promise<unknown> {
  const answer = await fetch(`${gatewayUrl}/api/runs/${run}/log?limit=1`);
  return ((await answer.json()) as { entries: { message: unknown }[] }).entries[0]?.message;
}
