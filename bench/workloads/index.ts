/** What can be measured, in this order. */
import type { Bench } from "../bench.ts";
import type { Durability } from "../processes.ts";
import { age } from "./age.ts";
import { coldStart } from "./cold-start.ts";
import { growth } from "./growth.ts";
import { recovery } from "./recovery.ts";
import { sleeping } from "./sleeping.ts";
import { tracing } from "./tracing.ts";
import { w1Chain } from "./w1-chain.ts";
import { w2FanOut } from "./w2-fan-out.ts";
import { w3Single } from "./w3-single.ts";
import { w4Loop } from "./w4-loop.ts";
import { w5Pure } from "./w5-pure.ts";
import { w6LargeFlow } from "./w6-large-flow.ts";
import { w7Payloads } from "./w7-payloads.ts";

export type Workload = (bench: Bench, durability: Durability) => Promise<void>;

export const workloads: Readonly<Record<string, Workload>> = {
  W1: w1Chain,
  W2: w2FanOut,
  W3: w3Single,
  W4: w4Loop,
  W5: w5Pure,
  W6: w6LargeFlow,
  W7: w7Payloads,
  cold: onlyOnce(coldStart),
  sleeping: onlyOnce(sleeping),
  recovery,
  growth,
  age,
  tracing,
};

/** What does not depend on how often the server syncs is measured with its default. */
function onlyOnce(workload: (bench: Bench) => Promise<void>): Workload {
  return async (bench, durability) => {
    if (durability === "default" || !bench.options.durabilities.includes("default")) await workload(bench);
  };
}
