/**
 * Pure nodes as they are evaluated for the nodes that read them. The fold makes no news of them; who debugs a run wants
 * to see what they were given and what they gave.
 */
import type { Command, LogEntry, Run } from "../orchestrator/index.ts";
import type { StepNode } from "./run-views.ts";

/** The evaluations that an entry ends: to be asked before it is folded. */
export function endedEvaluations(entry: LogEntry, run: Run): StepNode[] {
  if (entry.kind !== "result") return [];
  const { inFlight, graph } = run.details;
  return entry.message.results.flatMap((result): StepNode[] => {
    const pending = result.run === run.id ? inFlight.get(result.id) : undefined;
    const type = pending?.pure === undefined ? undefined : graph.nodes.get(pending.pure)?.type;
    if (!pending?.pure || type !== entry.message.type) return [];
    const { status, outputs, error, duration_ms } = result;
    return [
      {
        node: pending.pure,
        type,
        scope: pending.scope,
        attempt: Number(/#(\d+)$/.exec(result.id)?.[1] ?? 1),
        state: status === "ok" ? "completed" : "failed",
        time: duration_ms / 1000,
        for: pending.node,
        ...(outputs === undefined ? {} : { outputs }),
        ...(error === undefined ? {} : { error }),
      },
    ];
  });
}

/** The evaluations that a fold asks for. */
export function begunEvaluations(commands: readonly Command[], run: Run): StepNode[] {
  return commands.flatMap((command): StepNode[] => {
    if (command.type !== "sendData") return [];
    const { id, node, scope, attempt, inputs } = command.entry;
    const consumer = run.details.inFlight.get(id)?.node;
    const reader = consumer === undefined ? {} : { for: consumer };
    return [{ node, type: command.nodeType, scope, attempt, state: "running", inputs, ...reader }];
  });
}
