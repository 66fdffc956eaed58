/** What can be measured, in this order. */
import type { Bench } from "../bench.ts";
import type { Durability } from "../processes.ts";
import { w1Chain } from "./w1-chain.ts";

export const workloads: Readonly<Record<string, (bench: Bench, durability: Durability) => Promise<void>>> = {
  W1: w1Chain,
};
