/**
 * What a run has asked for and not got yet: the work in flight, the timers, the end it came to. It follows from the
 * state, so a recovery needs no memory of what was sent.
 */
import type { Command } from "./commands.ts";
import { inputsOfPull } from "./data-gatherer.ts";
import { childCommand, dataCommand, execCommand } from "./outgoing.ts";
import type { InFlight, RunState } from "./run-state.ts";
import { nodeOf } from "./state-tracker.ts";

/** The commands that are still open and were caused by messages after `sinceSeq`. */
export function outstanding(run: RunState, sinceSeq: number): Command[] {
  const commands: Command[] = [];
  for (const pending of run.inFlight.values()) {
    const command = pending.seq > sinceSeq ? resend(run, pending) : undefined;
    if (command) commands.push(command);
  }
  for (const [id, timer] of run.timers) {
    if (timer.seq > sinceSeq) commands.push({ type: "setTimer", id, at: timer.at });
  }
  if (run.result && run.seq > sinceSeq) {
    const message = { v: 1, kind: "finished", run: run.id, result: run.result } as const;
    commands.push({ type: "append", id: `${run.id}:finished`, message });
  }
  return commands;
}

function resend(run: RunState, pending: InFlight): Command | undefined {
  const activation = run.scopes.get(pending.scope)?.activations.get(pending.node);
  if (!activation) return undefined;
  if (pending.pure !== undefined) {
    const pull = activation.pulls.get(pending.pure);
    const pure = nodeOf(run, pending.pure);
    return pull && dataCommand(run, activation, pure, pull.attempt, inputsOfPull(run, activation, pure));
  }
  const node = nodeOf(run, pending.node);
  return node.kind === "subflow" ? childCommand(run, activation, node) : execCommand(run, activation, node);
}
