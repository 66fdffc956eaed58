/** The span of one attempt in the actor: `process rayflow.node.<type>`, a child of the sending's span and linked to it. */
import type { NodeType } from "../flow/index.ts";
import { type DispatchEntry, type SentResult, subjects } from "../nats/index.ts";
import type { OpenSpan, Tracing } from "../telemetry/index.ts";

export interface AttemptSpanOptions {
  readonly entry: DispatchEntry;
  readonly nodeType: NodeType;
  readonly actor: string;
  /** When the queue had the entry, ms since 1970 by the server's clock. */
  readonly storedAt: number | undefined;
}

export function openAttemptSpan(tracing: Pick<Tracing, "open">, options: AttemptSpanOptions): OpenSpan {
  const { entry, nodeType, actor, storedAt } = options;
  const { id, run, flow, node, scope, attempt, kind, traceparent, tracestate } = entry;
  const destination = subjects.node(nodeType.type);
  return tracing.open({
    name: `process ${destination}`,
    kind: "consumer",
    parent: { traceparent, tracestate },
    linkParent: true,
    attributes: {
      "messaging.system": "nats",
      "messaging.destination.name": destination,
      "messaging.operation.name": "process",
      "messaging.operation.type": "process",
      "messaging.message.conversation_id": run,
      "messaging.message.id": id,
      "rayflow.run.id": run,
      "rayflow.flow.name": flow,
      "rayflow.node.id": node,
      "rayflow.node.type": nodeType.type,
      ...(scope === "" ? {} : { "rayflow.scope": scope }),
      "rayflow.attempt": attempt,
      ...(kind === "data" ? { "rayflow.pure": true } : {}),
      "rayflow.actor": actor,
      ...(storedAt === undefined ? {} : { "rayflow.queue_time": Math.max(0, Date.now() - storedAt) / 1_000 }),
    },
  });
}

export function endAttemptSpan(span: OpenSpan, { error, cached }: Pick<SentResult, "error" | "cached">): void {
  if (error) span.fail(error);
  if (cached) span.set({ "rayflow.cached": true });
  span.end();
}
