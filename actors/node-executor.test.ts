import { Writable } from "node:stream";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RayflowError } from "../flow/index.ts";
import { defineNode, take } from "./define-node.ts";
import type { NodeContext, NodeDefinition, NodeOutcome } from "./node-definition.ts";
import { NodeExecutor } from "./node-executor.ts";
import { any, float } from "./pins.ts";
import { fakeContext, memoryVariables } from "./testing.ts";
import { dispatchEntryOf } from "./testing-dispatch.ts";

const MAX_BYTES = 10_000;
let lines: string[];
let executor: NodeExecutor;

beforeEach(() => {
  lines = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  executor = new NodeExecutor({
    actor: "actor-1",
    logger: pino({ level: "debug" }, sink),
    variables: () => memoryVariables(),
    resources: fakeContext().resources,
    maxResultBytes: () => MAX_BYTES,
  });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A node whose code is this function, with nothing checked around it. */
function raw(run: (ctx: NodeContext) => unknown): NodeDefinition {
  const declared = defineNode({ type: "test_raw", title: "Raw", category: "test", run: () => undefined });
  return { ...declared, execute: async (_inputs, _config, ctx) => (await run(ctx)) as NodeOutcome };
}

const never = () => new Promise<never>(() => undefined);

async function run(definition: NodeDefinition, more: Parameters<typeof dispatchEntryOf>[0] = {}) {
  return (await executor.execute(dispatchEntryOf(more), definition)).result;
}

describe("what the code gives", () => {
  const add = defineNode({
    type: "test_add",
    title: "Add",
    category: "test",
    inputs: { x: float(), y: float() },
    outputs: { result: float() },
    run: ({ inputs }) => ({ result: inputs.x + inputs.y }),
  });

  test("outputs become an ok result", async () => {
    const result = await run(add, { inputs: { x: 1, y: 2 } });
    expect(result).toMatchObject({ id: "r1:n1@#1", run: "r1", status: "ok", outputs: { result: 3 }, actor: "actor-1" });
    expect(result.exec).toBeUndefined();
    expect(result.duration_ms).toBeGreaterThanOrEqual(0);
    expect(Math.abs(result.started_at - Date.now())).toBeLessThan(5_000);
  });

  test("take() names the exec outputs that open", async () => {
    const branch = defineNode({
      type: "test_branch",
      title: "Branch",
      category: "test",
      exec: ["yes", "no"],
      run: () => take("yes"),
    });
    expect(await run(branch)).toMatchObject({ status: "ok", exec: ["yes"], outputs: {} });
  });

  test("the JSON is the result's own", async () => {
    const { result, json } = await executor.execute(dispatchEntryOf({ inputs: { x: 1, y: 2 } }), add);
    expect(JSON.parse(json)).toEqual(result);
  });

  test("outputs that are missing altogether are none", async () => {
    expect(await run(raw(() => ({})))).toMatchObject({ status: "ok", outputs: {} });
  });

  test("no outcome at all is a ValidationError", async () => {
    expect(await run(raw(() => undefined))).toMatchObject({ status: "error", error: { code: "ValidationError" } });
  });

  test("inputs that do not fit are a ValidationError", async () => {
    expect(await run(add, { inputs: { x: "one" } })).toMatchObject({ error: { code: "ValidationError" } });
  });
});

describe("what the code throws", () => {
  test.each([
    ["an Error", new Error("broken"), { code: "NodeExecutionError", message: "broken", retryable: true }],
    [
      "a RayflowError",
      new RayflowError("DivideByZero", "x / 0", { retryable: false }),
      { code: "DivideByZero", message: "x / 0", retryable: false },
    ],
    [
      "an error with a code",
      Object.assign(new Error("refused"), { code: "ECONNREFUSED" }),
      { code: "ECONNREFUSED", message: "refused" },
    ],
    ["a string", "just text", { code: "NodeExecutionError", message: "thrown: just text" }],
    ["null", null, { code: "NodeExecutionError", message: "thrown: null" }],
    ["undefined", undefined, { code: "NodeExecutionError" }],
  ])("%s becomes an error result that names the node", async (_name, thrown, error) => {
    const result = await run(
      raw(() => {
        throw thrown;
      }),
    );
    expect(result).toMatchObject({ status: "error", error: { ...error, node_id: "n1" } });
    expect(result.outputs).toBeUndefined();
  });

  test("a throw before the first await is no different", async () => {
    const definition: NodeDefinition = {
      ...raw(() => ({})),
      execute: () => {
        throw new Error("at once");
      },
    };
    expect(await run(definition)).toMatchObject({ error: { code: "NodeExecutionError", message: "at once" } });
  });

  test("a kind that the orchestrator runs has no code", async () => {
    const definition: NodeDefinition = { ...raw(() => ({})), execute: undefined };
    expect(await run(definition)).toMatchObject({ error: { code: "NodeLoadError" } });
  });
});

describe("what does not fit a message", () => {
  const emit = (value: unknown) => raw(() => ({ outputs: { value } }));

  test("outputs larger than a message are PayloadTooLarge, with both sizes", async () => {
    const result = await run(emit("x".repeat(MAX_BYTES)));
    expect(result).toMatchObject({ status: "error", error: { code: "PayloadTooLarge", retryable: false } });
    expect(result.error?.details).toMatchObject({ max_bytes: MAX_BYTES });
    expect(result.outputs).toBeUndefined();
  });

  test("size counts bytes, not characters", async () => {
    expect(await run(emit("x".repeat(MAX_BYTES * 0.9)))).toMatchObject({ status: "ok" });
    expect(await run(emit("€".repeat(MAX_BYTES * 0.4)))).toMatchObject({ error: { code: "PayloadTooLarge" } });
  });

  test.each([
    ["a bigint", 1n],
    ["a key that readers refuse", JSON.parse('{"__proto__": 1}')],
    [
      "a circle",
      (() => {
        const circle: { self?: unknown } = {};
        circle.self = circle;
        return circle;
      })(),
    ],
  ])("%s is a ValidationError", async (_name, value) => {
    expect(await run(emit(value))).toMatchObject({ status: "error", error: { code: "ValidationError" } });
  });

  test("an error too large for a message keeps its code and the start of its message", async () => {
    const thrown = new RayflowError("Huge", "m".repeat(50_000), { details: "d".repeat(50_000) });
    const { result, bytes } = await executor.execute(
      dispatchEntryOf(),
      raw(() => {
        throw thrown;
      }),
    );
    expect(result.error?.code).toBe("Huge");
    expect(bytes).toBeLessThanOrEqual(MAX_BYTES);
  });
});

describe("time", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  test("code that ignores the signal times out all the same", async () => {
    const pending = run(raw(never), { timeout_ms: 1_000 });
    await vi.advanceTimersByTimeAsync(999);
    expect(executor.running).toBe(1);
    await vi.advanceTimersByTimeAsync(2);
    expect(await pending).toMatchObject({
      status: "error",
      error: { code: "NodeTimeout", retryable: true, message: "not finished after 1000 ms (policy.timeout)" },
    });
    expect(executor.running).toBe(0);
  });

  test("the signal aborts with the timeout, for code that got it before or gets it after", async () => {
    const signals: AbortSignal[] = [];
    let later: (() => AbortSignal) | undefined;
    const pending = run(
      raw((ctx) => {
        signals.push(ctx.signal);
        return never();
      }),
      { timeout_ms: 50 },
    );
    const second = run(
      raw((ctx) => {
        later = () => ctx.signal;
        return never();
      }),
      { timeout_ms: 50 },
    );
    await vi.advanceTimersByTimeAsync(60);
    await Promise.all([pending, second]);
    for (const signal of [signals[0], later?.()]) {
      expect(signal?.aborted).toBe(true);
      expect(signal?.reason).toMatchObject({ code: "NodeTimeout" });
    }
  });

  test("an outcome after the timeout is dropped and logged", async () => {
    const pending = run(
      raw(() => new Promise((done) => setTimeout(() => done({ outputs: {} }), 100))),
      { timeout_ms: 50 },
    );
    await vi.advanceTimersByTimeAsync(200);
    expect(await pending).toMatchObject({ error: { code: "NodeTimeout" } });
    expect(lines.join("")).toContain("the node returned after NodeTimeout: dropped");
  });

  test("a throw after the timeout is dropped and logged", async () => {
    const pending = run(
      raw(() => new Promise((_done, fail) => setTimeout(() => fail(new Error("too late")), 100))),
      { timeout_ms: 50 },
    );
    await vi.advanceTimersByTimeAsync(200);
    await pending;
    expect(lines.join("")).toContain("too late");
  });

  test("the deadline of all attempts cuts the timeout short, and no retry is of use", async () => {
    const pending = run(raw(never), { timeout_ms: 10_000, deadline: Date.now() + 100 });
    await vi.advanceTimersByTimeAsync(101);
    expect(await pending).toMatchObject({ error: { code: "NodeTimeout", retryable: false } });
  });

  test("past the deadline the code does not run", async () => {
    const code = vi.fn();
    expect(await run(raw(code), { deadline: Date.now() - 1 })).toMatchObject({ error: { code: "NodeTimeout" } });
    expect(code).not.toHaveBeenCalled();
  });

  test("a timeout longer than a timer can be does not fire at once", async () => {
    const pending = run(
      raw(() => new Promise((done) => setTimeout(() => done({ outputs: {} }), 1_000))),
      { timeout_ms: 2 ** 40 },
    );
    await vi.advanceTimersByTimeAsync(1_001);
    expect(await pending).toMatchObject({ status: "ok" });
  });

  test("silence longer than the heartbeat ends the attempt", async () => {
    const pending = run(raw(never), { timeout_ms: 60_000, heartbeat_ms: 500 });
    await vi.advanceTimersByTimeAsync(501);
    expect(await pending).toMatchObject({
      error: { code: "NodeTimeout", message: "no ctx.heartbeat() for 500 ms (policy.heartbeat)" },
    });
  });

  test("heartbeats keep an attempt alive", async () => {
    const pending = run(
      raw(async ({ heartbeat }) => {
        for (let beat = 0; beat < 5; beat++) {
          await new Promise((done) => setTimeout(done, 400));
          heartbeat();
        }
        return { outputs: {} };
      }),
      { timeout_ms: 60_000, heartbeat_ms: 500 },
    );
    await vi.advanceTimersByTimeAsync(2_001);
    expect(await pending).toMatchObject({ status: "ok" });
  });
});

describe("abort", () => {
  test("ends only the attempts asked for, with the reason's code", async () => {
    const first = run(raw(never), { id: "a", run: "r1" });
    const second = run(
      raw(() => new Promise((done) => setImmediate(() => done({ outputs: {} })))),
      { id: "b", run: "r2" },
    );
    const reason = new RayflowError("RunCancelled", "the run was cancelled");
    expect(executor.abort(reason, (entry) => entry.run === "r1")).toBe(1);
    expect(await first).toMatchObject({ error: { code: "RunCancelled", retryable: false } });
    expect(await second).toMatchObject({ status: "ok" });
  });

  test("an abort listener that throws changes nothing", async () => {
    const pending = run(
      raw(async ({ signal }) => {
        await new Promise((_done, fail) => signal.addEventListener("abort", () => fail(signal.reason)));
      }),
    );
    executor.abort(new RayflowError("RunCancelled", "cancelled"), () => true);
    expect(await pending).toMatchObject({ error: { code: "RunCancelled" } });
  });
});

describe("the context", () => {
  test("says where the code is", async () => {
    const seen: Record<string, unknown> = {};
    await run(
      raw(({ runId, flow, nodeId, scope, attempt, idempotencyKey, deadline, signal }) => {
        Object.assign(seen, { runId, flow, nodeId, scope, attempt, idempotencyKey, deadline, signal });
        return { outputs: {} };
      }),
      { scope: "each[3]", attempt: 2, timeout_ms: 5_000 },
    );
    expect(seen).toMatchObject({ runId: "r1", flow: "test", nodeId: "n1", scope: "each[3]", attempt: 2 });
    expect(seen.idempotencyKey).toBe("r1:n1@");
    expect(seen.deadline).toBeLessThanOrEqual(Date.now() + 5_000);
    expect(seen.signal).toBeInstanceOf(AbortSignal);
  });

  test("logs with the run and the node", async () => {
    await run(
      raw((ctx) => {
        ctx.log.info("hello", { extra: 1 });
        return { outputs: {} };
      }),
    );
    const line = JSON.parse(lines.at(-1) ?? "");
    expect(line).toMatchObject({ msg: "hello", run_id: "r1", node_id: "n1", extra: 1 });
    expect(line).not.toHaveProperty("trace_id");
  });

  test("logs with the trace of the run", async () => {
    await run(
      raw((ctx) => {
        ctx.log.info("hello");
        return { outputs: {} };
      }),
      { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
    );
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({
      run_id: "r1",
      trace_id: "0af7651916cd43dd8448eb211c80319c",
    });
  });

  test("reaches variables", async () => {
    const echo = defineNode({
      type: "test_variable",
      title: "Variable",
      category: "test",
      outputs: { value: any() },
      run: async ({ ctx }) => {
        await ctx.variables.set("run", "n", 5);
        return { value: (await ctx.variables.get("run", "n"))?.value };
      },
    });
    expect(await run(echo)).toMatchObject({ outputs: { value: 5 } });
  });
});
