/** For tests of triggers: flows that answer with their inputs, and an eye on every run there is. */
import type { NatsConnection } from "@nats-io/transport-node";
import { type RunEvent, type RunResult, subjects } from "../../nats/index.ts";

const FIELDS = ["x", "scheduled_at", "payload", "subject", "name", "value", "revision"];

/** START to RETURN; the result is what is known of the inputs. */
export function echoFlow(name: string, triggers: readonly unknown[] = [], more: object = {}) {
  const api_schema = Object.fromEntries(FIELDS.map((field) => [field, { type: "any", default: null }]));
  return {
    name,
    triggers,
    nodes: [
      { id: "s", type: "start", config: { api_schema } },
      { id: "r", type: "return" },
    ],
    edges: [
      { id: "e", source: "s", target: "r", sourceHandle: "exec-out", targetHandle: "exec-in" },
      ...FIELDS.map((field) => ({
        id: field,
        source: "s",
        target: "r",
        sourceHandle: `output-${field}`,
        targetHandle: `input-${field}`,
      })),
    ],
    ...more,
  };
}

export interface RunsSeen {
  /** Run ids in the order in which they were accepted, repeated when that happened twice. */
  accepted(flow: string): readonly string[];
  /** Results of its finished runs, in the order in which they were accepted. */
  results(flow: string): readonly RunResult[];
}

export function watchRuns(nc: NatsConnection): RunsSeen {
  const accepted = new Map<string, string[]>();
  const finished = new Map<string, RunResult>();
  nc.subscribe(subjects.eventAll(), {
    callback: (error, msg) => {
      if (error !== null) return;
      const event = msg.json<RunEvent>();
      if (event.kind === "finished") finished.set(event.run_id, event.result);
      if (event.kind === "accepted") accepted.set(event.flow, [...(accepted.get(event.flow) ?? []), event.run_id]);
    },
  });
  const acceptedOf = (flow: string) => accepted.get(flow) ?? [];
  return {
    accepted: acceptedOf,
    results: (flow) => acceptedOf(flow).flatMap((run) => finished.get(run) ?? []),
  };
}
