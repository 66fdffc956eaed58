/** RayFlow itself, as bench/ sets it up: a nats-server, an orchestrator, an actor and the load, each in a process. */
import { readFileSync } from "node:fs";
import { sampleStack } from "../../bench.ts";
import { flowFile } from "../../flow-file.ts";
import { chain } from "../../flows.ts";
import { startStack } from "../../processes.ts";
import { chainLength, countTo, fanWidth } from "../workloads.mjs";

/** @param {import("../options.mjs").Durability} durability @returns {import("../contestants.mjs").Contestant} */
const contestant = (durability) => ({
  id: `rayflow-${durability}`,
  name: "RayFlow",
  durability,
  ways: { flow: "flow" },
  start: () => start(durability),
});

/** @type {import("../contestants.mjs").System} */
export const rayflow = {
  id: "rayflow",
  name: "RayFlow",
  prepare: () => JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")).version,
  contestants: [contestant("written"), contestant("fsync")],
};

/** START, `width` steps side by side, and RETURN, which waits for all of them and takes what each gives. */
function fanOut(/** @type {number} */ width) {
  const name = `bench-peers-fan-out-${width}`;
  const builder = flowFile(name)
    .node("start", "start")
    .node("ret", "return", { config: { name: "done" } });
  for (const i of countTo(width)) {
    builder.node(`s${i}`, "bench_step").chain("start", `s${i}`, "ret");
    builder.data("start.value", `s${i}.value`).data(`s${i}.value`, `ret.v${i}`);
  }
  const result = Object.fromEntries(countTo(width).map((i) => [`v${i}`, 1]));
  return { name, flow: builder.build(), inputs: { value: 0 }, steps: width, result, stages: [width] };
}

/** @type {Record<import("../workloads.mjs").Workload, import("../../flows.ts").MeasuredFlow>} */
const flows = { chain: chain(chainLength), fanOut: fanOut(fanWidth), single: chain(1) };

/** @param {import("../options.mjs").Durability} durability @returns {Promise<import("../contestants.mjs").Running>} */
async function start(durability) {
  const stack = await startStack({ durability: durability === "fsync" ? "always" : "default" });
  for (const { name, flow } of Object.values(flows)) await stack.deploy(name, flow);
  return {
    measure: (_way, workload, extent) => sampleStack(stack, flows[workload], extent),
    stop: () => stack.close(),
  };
}
