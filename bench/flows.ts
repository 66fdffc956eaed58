/** The flows that are measured. Each comes with what a run of it must give, so that nothing wrong is called fast. */
import { flowFile } from "./flow-file.ts";

export interface MeasuredFlow {
  /** The name it is deployed under. */
  readonly name: string;
  readonly flow: unknown;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Executions on actors: what is counted as steps. */
  readonly steps: number;
  /** Entries of the run's result that must be there. */
  readonly result: Readonly<Record<string, unknown>>;
  /** The same work without an engine: so many messages at once, then, when all are answered, so many. */
  readonly stages: readonly number[];
  /** Size of what each step hands on, bytes. */
  readonly payloadBytes?: number;
}

const ret = { config: { name: "done" } };

/** START, `length` steps one after the other, RETURN. */
export function chain(length: number): MeasuredFlow {
  return chainOf(length, `bench-chain-${length}`, false);
}

/** The same, and each step hands a text of so many bytes on. The result does not hold it. */
export function payloadChain(length: number, payloadBytes: number): MeasuredFlow {
  const made = chainOf(length, `bench-payload-${payloadBytes}`, true);
  return { ...made, payloadBytes, inputs: { ...made.inputs, payload: "x".repeat(payloadBytes) } };
}

function chainOf(length: number, name: string, withPayload: boolean): MeasuredFlow {
  const ids = names("s", length);
  const file = flowFile(name).node("start", "start");
  for (const id of ids) file.node(id, "bench_step");
  file.node("ret", "return", ret).chain("start", ...ids, "ret");
  for (const [i, id] of ids.entries()) {
    const before = ids[i - 1] ?? "start";
    file.data(`${before}.value`, `${id}.value`);
    if (withPayload) file.data(`${before}.payload`, `${id}.payload`);
  }
  file.data(`${ids.at(-1)}.value`, "ret.value");
  return {
    name,
    flow: file.build(),
    inputs: { value: 0 },
    steps: length,
    result: { value: length },
    stages: Array(length).fill(1),
  };
}

/** START, `width` steps at once, RETURN with the value of each. */
export function fanOut(width: number): MeasuredFlow {
  return lanes(width, 1);
}

/** START, `width` chains of `length` steps side by side, RETURN with the last value of each. */
export function lanes(width: number, length: number): MeasuredFlow {
  const name = `bench-lanes-${width}-${length}`;
  const file = flowFile(name).node("start", "start").node("ret", "return", ret);
  for (let lane = 0; lane < width; lane++) {
    const ids = names(`l${lane}_`, length);
    for (const id of ids) file.node(id, "bench_step");
    file.chain("start", ...ids, "ret");
    for (const [i, id] of ids.entries()) file.data(`${ids[i - 1] ?? "start"}.value`, `${id}.value`);
    file.data(`${ids.at(-1)}.value`, `ret.lane${lane}`);
  }
  return {
    name,
    flow: file.build(),
    inputs: { value: 0 },
    steps: width * length,
    result: Object.fromEntries(Array.from({ length: width }, (_, lane) => [`lane${lane}`, length])),
    stages: Array(length).fill(width),
  };
}

/** START, a loop with one step an iteration, RETURN with what all iterations gave. */
export function loop(iterations: number): MeasuredFlow {
  const name = `bench-loop-${iterations}`;
  const flow = flowFile(name)
    .node("start", "start")
    .node("loop", "control_repeat", { constantValues: { times: iterations } })
    .node("step", "bench_step")
    .node("ret", "return", ret)
    .chain("start", "loop")
    .chain("loop.body", "step")
    .chain("loop.completed", "ret")
    .data("loop.index", "step.value")
    .data("step.value", "loop.collect")
    .data("loop.results", "ret.values")
    .build();
  return {
    name,
    flow,
    inputs: {},
    steps: iterations,
    result: { values: Array.from({ length: iterations }, (_, i) => i + 1) },
    stages: Array(iterations).fill(1),
  };
}

/** START, a branch on whether the sum of twenty ones is 20, RETURN. 19 additions and a comparison, no exec edges. */
export function pureTree(): MeasuredFlow {
  const name = "bench-pure-20";
  const file = flowFile(name).node("start", "start");
  const one = { constantValues: { x: 1, y: 1 } };
  let level = names("leaf", 10);
  for (const id of level) file.node(id, "math_add", one);
  const stages = [10];
  while (level.length > 1) {
    const pairs = Math.floor(level.length / 2);
    const sums = names(`sum${stages.length}_`, pairs);
    for (const [i, id] of sums.entries()) {
      file
        .node(id, "math_add")
        .data(`${level[2 * i]}.result`, `${id}.x`)
        .data(`${level[2 * i + 1]}.result`, `${id}.y`);
    }
    level = [...sums, ...level.slice(2 * pairs)];
    stages.push(pairs);
  }
  file
    .node("is20", "logic_compare", { config: { operator: "==" }, constantValues: { b: 20 } })
    .data(`${level[0]}.result`, "is20.a")
    .node("branch", "logic_branch")
    .data("is20.result", "branch.condition")
    .node("yes", "return", { config: { name: "yes" }, constantValues: { sum: 20 } })
    .node("no", "return", { config: { name: "no" }, constantValues: { sum: 0 } })
    .chain("start", "branch")
    .chain("branch.true", "yes")
    .chain("branch.false", "no");
  return { name, flow: file.build(), inputs: {}, steps: 21, result: { sum: 20 }, stages: [...stages, 1, 1] };
}

/** START, one built-in node, RETURN: what runs without any node of one's own. */
export function builtInStep(): MeasuredFlow {
  const name = "bench-built-in";
  const flow = flowFile(name)
    .node("start", "start")
    .node("add", "math_add", { constantValues: { y: 1 } })
    .node("ret", "return", ret)
    .chain("start", "add", "ret")
    .data("start.value", "add.x")
    .data("add.result", "ret.value")
    .build();
  return { name, flow, inputs: { value: 1 }, steps: 1, result: { value: 2 }, stages: [1] };
}

/** START, steps that each take some time between these two, RETURN. */
export function slowChain(length: number, fromMs: number, toMs: number): MeasuredFlow {
  const name = `bench-slow-${length}-${fromMs}-${toMs}`;
  const ids = names("w", length);
  const file = flowFile(name).node("start", "start");
  for (const id of ids) file.node(id, "bench_wait", { config: { from_ms: fromMs, to_ms: toMs } });
  file.node("ret", "return", ret).chain("start", ...ids, "ret");
  for (const [i, id] of ids.entries()) file.data(`${ids[i - 1] ?? "start"}.value`, `${id}.value`);
  const flow = file.data(`${ids.at(-1)}.value`, "ret.value").build();
  return { name, flow, inputs: { value: 0 }, steps: length, result: { value: length }, stages: Array(length).fill(1) };
}

/** A run that sleeps for a week. */
export function sleeper(): MeasuredFlow {
  const name = "bench-sleeper";
  const flow = flowFile(name)
    .node("start", "start")
    .node("nap", "control_sleep", { constantValues: { seconds: 604_800 } })
    .node("ret", "return", ret)
    .chain("start", "nap", "ret")
    .build();
  return { name, flow, inputs: {}, steps: 0, result: {}, stages: [] };
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`);
}
