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
export function chain(length: number, name = `bench-chain-${length}`): MeasuredFlow {
  const ids = Array.from({ length }, (_, i) => `s${i}`);
  const builder = flowFile(name).node("start", "start");
  for (const id of ids) builder.node(id, "bench_step");
  builder.node("ret", "return", ret).chain("start", ...ids, "ret");
  for (const [i, id] of ids.entries()) builder.data(`${i === 0 ? "start" : ids[i - 1]}.value`, `${id}.value`);
  builder.data(`${ids.at(-1)}.value`, "ret.value");
  return {
    name,
    flow: builder.build(),
    inputs: { value: 0 },
    steps: length,
    result: { value: length },
    stages: Array(length).fill(1),
  };
}
