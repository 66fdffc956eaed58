/**
 * Ways to break the engine on purpose: a simulation that finds none of them proves nothing. They are put around the
 * product's code, which has no switch for any of this.
 */
import type { Checkpoint } from "../../store/index.ts";
import { type LogEntry, Run } from "../run/fold.ts";

export interface Sabotage {
  /** What a starting orchestrator takes the checkpoint to be. */
  checkpoint(read: Checkpoint): Checkpoint;
  /** What the emitter takes for the answer to a publish. */
  ack(answer: Promise<unknown>): Promise<unknown>;
  /** Done to a run before it folds a message: to every fold there is, so that no fold can be held against another. */
  beforeApply(run: Run, entry: LogEntry): void;
}

export const noSabotage: Sabotage = {
  checkpoint: (read) => read,
  ack: (answer) => answer,
  beforeApply: () => undefined,
};

type Which = "same attempt" | "earlier attempt";

/** A second result of an execution counts like the first, while its activation waits for something. */
function countAgain(which: Which): Sabotage["beforeApply"] {
  const seen = new WeakMap<Run, Set<string>>();
  return (run, entry) => {
    if (entry.kind !== "result") return;
    const known = seen.get(run) ?? new Set();
    seen.set(run, known);
    for (const { id } of entry.message.results) {
      const parts = /^([^:]+):([^@]+)@([^>]*)#(\d+)$/.exec(id);
      const [, of, node = "", scope = "", attempt] = parts ?? [];
      const activation = run.details.scopes.get(scope)?.activations.get(node);
      if (of === run.id && activation && known.has(id)) {
        const isCurrent = activation.attempt === Number(attempt);
        const again = { scope, node, pure: undefined, seq: entry.seq };
        if (isCurrent === (which === "same attempt")) run.details.inFlight.set(id, again);
      }
      known.add(id);
    }
  };
}

/** Each by what it switches off. */
export const sabotages: Readonly<Record<string, Sabotage>> = {
  "the fold's ignoring of repeated results": { ...noSabotage, beforeApply: countAgain("same attempt") },
  "the fold's ignoring of superseded attempts": { ...noSabotage, beforeApply: countAgain("earlier attempt") },
  "sending again what a crash has left unsent": {
    ...noSabotage,
    checkpoint: (read) => ({ ...read, emitted_through: Number.MAX_SAFE_INTEGER }),
  },
  "replaying from where runs are still open": {
    ...noSabotage,
    checkpoint: (read) => ({ ...read, replay_from: read.emitted_through + 1 }),
  },
  "waiting for the ack of a publish": {
    ...noSabotage,
    ack: (answer) => {
      answer.catch(() => undefined);
      return Promise.resolve({});
    },
  },
};

/** Folds with the sabotage until the answer is called. */
export function sabotageFold(sabotage: Sabotage): () => void {
  const { apply } = Run.prototype;
  if (sabotage.beforeApply !== noSabotage.beforeApply) {
    Run.prototype.apply = function sabotaged(this: Run, entry: LogEntry) {
      sabotage.beforeApply(this, entry);
      return apply.call(this, entry);
    };
  }
  return () => {
    Run.prototype.apply = apply;
  };
}
