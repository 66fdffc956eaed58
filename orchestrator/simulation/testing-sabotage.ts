/** Ways to break the engine on purpose: a simulation that finds none of them proves nothing. */
import type { Checkpoint } from "../../store/index.ts";

export interface Sabotage {
  /** What a starting orchestrator takes the checkpoint to be. */
  checkpoint(read: Checkpoint): Checkpoint;
  /** What the emitter takes for the answer to a publish. */
  ack(answer: Promise<unknown>): Promise<unknown>;
}

export const noSabotage: Sabotage = { checkpoint: (read) => read, ack: (answer) => answer };
