/** The keys that files may carry. Those of React Flow and of editors mean nothing to a run, and are no mistake. */
import type { IssueLog, IssuePlace } from "./issue.ts";
import type { JsonObject } from "./json-value.ts";
import { nearest } from "./suggest.ts";

interface KeySet {
  /** Keys that are read: a near miss of one is worth a hint. */
  readonly read: ReadonlySet<string>;
  readonly ignored: ReadonlySet<string>;
}

const keys = (read: string, ignored: string): KeySet => ({
  read: new Set(read.split(" ")),
  ignored: new Set(ignored.split(" ")),
});

export const FLOW_KEYS = keys(
  "name version description variables error_strategy drain nodes edges connections metadata flow triggers",
  "cases expected $schema viewport inputs options id created updated created_at updated_at author tags",
);

export const NODE_KEYS = keys(
  "id type label position config constants constantValues policy data",
  "width height measured selected selectable dragging draggable deletable connectable focusable hidden style className " +
    "zIndex parentId parentNode extent expandParent positionAbsolute sourcePosition targetPosition resizing origin " +
    "initialWidth initialHeight dragHandle ariaLabel ariaRole domAttributes handles description computed internals",
);

export const NODE_DATA_KEYS = keys(
  "label config constants constantValues policy",
  "description notes comment category icon color type nodeType inputs outputs execInputs execOutputs",
);

export const EDGE_KEYS = keys(
  "id kind source source_pin target target_pin sourceHandle targetHandle type from fromExec fromOutput to toExec toInput",
  "animated markerStart markerEnd data style className label labelStyle labelShowBg labelBgStyle labelBgPadding " +
    "labelBgBorderRadius selected selectable deletable focusable hidden zIndex interactionWidth pathOptions updatable " +
    "reconnectable sourceX sourceY targetX targetY sourceNode targetNode ariaLabel ariaRole domAttributes",
);

export const POLICY_KEYS = keys("retry timeout heartbeat deadline on_error cache", "");
export const RETRY_KEYS = keys("max_attempts initial_interval backoff max_interval jitter non_retryable", "");

/** Warns of every key that nobody reads: most are typing mistakes. */
export function warnUnknownKeys(object: JsonObject, known: KeySet, what: string, log: IssueLog, place: IssuePlace) {
  for (const key of Object.keys(object)) {
    if (known.read.has(key) || known.ignored.has(key)) continue;
    const near = nearest(key, known.read);
    const hint = near === undefined ? "it has no effect" : `did you mean "${near}"?`;
    const path = place.path === undefined ? key : `${place.path}.${key}`;
    log.warn("UNKNOWN_KEY", `${what} has the unknown key "${key.slice(0, 100)}": ${hint}`, { ...place, path });
  }
}
