import { any, defineNode, int } from "rayflow";

/** The trivial step: adds one. What else it is given (`payload`) it hands on. */
export default defineNode({
  type: "bench_step",
  title: "Step",
  category: "bench",
  description: "Adds one.",
  inputs: { value: int(), payload: any().optional() },
  outputs: { value: int(), payload: any().optional() },
  run: ({ inputs: { value, payload } }) =>
    payload === undefined ? { value: value + 1 } : { value: value + 1, payload },
});
