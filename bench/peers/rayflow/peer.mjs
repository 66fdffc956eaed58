/** RayFlow itself, as bench/ sets it up: a nats-server, an orchestrator, an actor and the load, each in a process. */
import { readFileSync } from "node:fs";
import { sampleStack } from "../../bench.ts";
import { chain, fanOut } from "../../flows.ts";
import { startStack } from "../../processes.ts";
import { chainLength, fanWidth } from "../workloads.mjs";

/** @param {import("../options.mjs").Durability} durability @returns {import("../contestants.mjs").Contestant} */
const contestant = (durability) => ({
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
  candidates: [],
};

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
