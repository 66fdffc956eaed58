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
  // Written by hand: an object of all that may be there takes twice the time, for it is hardly ever there.
  let json = `{"id":${text(id)},"run":${text(run)},"flow":${text(flow)},"partition":${partition},"node":${text(node)}`;
  json += `,"inputs":${text(inputs)}`;
  if (kind !== "exec") json += `,"kind":${text(kind)}`;
  if (scope !== "") json += `,"scope":${text(scope)}`;
  if (attempt !== 1) json += `,"attempt":${attempt}`;
  if (!isEmpty(config)) json += `,"config":${text(config)}`;
  if (timeout_ms !== DEFAULT_TIMEOUT_MS) json += `,"timeout_ms":${text(timeout_ms)}`;
  if (idempotency_key !== activationOf(id)) json += `,"idempotency_key":${text(idempotency_key)}`;
  if (token !== undefined) json += `,"token":${text(token)}`;
  const { heartbeat_ms, deadline, cache, inline, blob_run, lost, secrets, traceparent, tracestate } = entry;
  const optional = heartbeat_ms ?? deadline ?? cache ?? inline ?? blob_run ?? lost ?? secrets ?? traceparent;
  if ((optional ?? tracestate) !== undefined) {
    // JSON leaves out what is undefined.
    const more = { heartbeat_ms, deadline, cache, inline, blob_run, lost, secrets, traceparent, tracestate };
    json += `,${JSON.stringify(more).slice(1, -1)}`;
  }
  return `${json}}`;
}

const text = JSON.stringify;

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
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
