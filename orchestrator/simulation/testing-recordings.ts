/**
 * Logs of runs as one version wrote them, kept for ever: a later version must fold each of them through the same states
 * to the same result, or runs that are in flight while it is rolled out would go astray.
 */
import { createHash } from "node:crypto";
import type { RunResult } from "../../nats/index.ts";
import { type LogEntry, Run } from "../run/fold.ts";

export interface Recording {
  readonly v: 1;
  readonly name: string;
  readonly run: string;
  readonly partition: number;
  readonly entries: readonly LogEntry[];
  /** After each entry: the run's state, and a hash of what it has done and asks for. */
  readonly states: readonly { readonly seq: number; readonly state: string; readonly hash: string }[];
  readonly result: RunResult;
}

/** Folds the entries anew, and says where the run stands after each. */
export function replay(partition: number, entries: readonly LogEntry[]): Pick<Recording, "states"> & { run: Run } {
  const [first, ...rest] = entries;
  if (first?.kind !== "run" || first.message.kind !== "submitted")
    throw new Error("a recording begins with `submitted`");
  const run = new Run(first.message, { partition, seq: first.seq, timeMs: first.timeMs });
  run.begin();
  const states = [standing(run, first.seq)];
  for (const entry of rest) {
    run.apply(entry);
    states.push(standing(run, entry.seq));
  }
  return { run, states };
}

function standing(run: Run, seq: number): Recording["states"][number] {
  return {
    seq,
    state: run.state,
    hash: createHash("sha256")
      .update(JSON.stringify(outline(run)))
      .digest("hex")
      .slice(0, 16),
  };
}

/** What counts of a state: not how it is kept, which a later version may change. */
function outline(run: Run): unknown {
  const { details } = run;
  const activations = [...details.scopes.values()].flatMap((scope) =>
    [...scope.activations.values()].map(({ node, state, attempt, outputs }) => [
      scope.path,
      node,
      state,
      attempt,
      outputs,
    ]),
  );
  return {
    activations: sorted(activations.filter(([, , state]) => state !== "idle")),
    asks: sorted(run.outstanding(0).filter((command) => command.type !== "append")),
    signals: sorted([...details.signals]),
    result: run.result,
  };
}

function sorted(list: readonly unknown[]): string[] {
  return list.map((item) => JSON.stringify(item)).sort();
}
