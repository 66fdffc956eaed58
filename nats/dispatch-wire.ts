/** Dispatch entries on their way: what goes without saying is not said, and put back where they arrive. */
import type { z } from "zod";
import {
  activationOf,
  DEFAULT_TIMEOUT_MS,
  type DispatchEntry,
  type DispatchMessage,
  type dispatchEntry,
} from "./messages.ts";
import { isPlainDispatchMessage } from "./quick-check.ts";

/** The entry as it goes on the wire: JSON that `dispatchEntry` reads to the same entry, with this token. */
export function writeEntry(entry: DispatchEntry, token: string | undefined = entry.token): string {
  const { kind, id, run, flow, partition, node, scope, attempt, inputs, config, timeout_ms, idempotency_key } = entry;
  const said: Record<string, unknown> = { id, run, flow, partition, node, inputs };
  if (kind !== "exec") said.kind = kind;
  if (scope !== "") said.scope = scope;
  if (attempt !== 1) said.attempt = attempt;
  if (Object.keys(config).length > 0) said.config = config;
  if (timeout_ms !== DEFAULT_TIMEOUT_MS) said.timeout_ms = timeout_ms;
  if (idempotency_key !== activationOf(id)) said.idempotency_key = idempotency_key;
  const { heartbeat_ms, deadline, cache, inline, blob_run, lost, secrets, traceparent, tracestate } = entry;
  // JSON leaves out what is undefined.
  return JSON.stringify(
    Object.assign(said, {
      heartbeat_ms,
      deadline,
      cache,
      inline,
      blob_run,
      lost,
      secrets,
      token,
      traceparent,
      tracestate,
    }),
  );
}

/** The dispatch message in a JSON value, when it plainly is one; undefined leaves it to the schema. */
export function readDispatch(json: unknown): DispatchMessage | undefined {
  if (!isPlainDispatchMessage(json)) return undefined;
  return { v: json.v, type: json.type, entries: json.entries.map(completed) };
}

type WireEntry = z.input<typeof dispatchEntry>;

function completed(said: WireEntry): DispatchEntry {
  const { id, run, flow, partition, node, inputs, ...rest } = said;
  const { kind = "exec", scope = "", attempt = 1, config = {}, timeout_ms = DEFAULT_TIMEOUT_MS, ...optional } = rest;
  const { idempotency_key = activationOf(id), ...others } = optional;
  return {
    kind,
    id,
    run,
    flow,
    partition,
    node,
    scope,
    attempt,
    inputs,
    config,
    timeout_ms,
    idempotency_key,
    ...others,
  };
}
