/** Builders for tests of the actor: dispatch entries and messages. */
import type { DispatchEntry } from "../nats/index.ts";

/** A dispatch entry; what is left out has a plain value. */
export function dispatchEntryOf(more: Partial<DispatchEntry> = {}): DispatchEntry {
  return {
    kind: "exec",
    id: "r1:n1@#1",
    run: "r1",
    flow: "test",
    partition: 0,
    node: "n1",
    scope: "",
    attempt: 1,
    inputs: {},
    config: {},
    timeout_ms: 60_000,
    idempotency_key: "r1:n1@",
    ...more,
  };
}
