/** The negative controls: each switches one of the guarantees off, in the processes of a campaign and nowhere else. */
import type { FaultKind } from "./faults.ts";

export const sabotages = ["dedup", "fencing", "checkpoints"] as const;
export type Sabotage = (typeof sabotages)[number];

/** Faults that come more often: those that the missing guarantee is there for. */
export const sabotageWeights: Readonly<Record<Sabotage, Partial<Record<FaultKind, number>>>> = {
  dedup: {},
  // A process that others take to be dead, and that goes on where it was.
  fencing: { "SIGSTOP orchestrator": 40, "kill -9 nats-server": 15 },
  checkpoints: {},
};
