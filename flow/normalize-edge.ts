/** Reads one edge: as React Flow writes it, as a connection of the first format, or normalised already. */
import type { FlowEdge } from "./flow.ts";
import { EXEC_PIN, FINISH_PIN, type Handle, parseSourceHandle, parseTargetHandle } from "./handles.ts";
import type { IssueLog, IssuePlace } from "./issue.ts";
import { describeValue, isObject, type JsonObject, own } from "./json-value.ts";
import { EDGE_KEYS, warnUnknownKeys } from "./known-keys.ts";

/** One end: the pin; "missing"; or "wrong way", the handle of an input where an output belongs, or the reverse. */
type End = Handle | "missing" | "wrong way";

interface Ends {
  readonly source: unknown;
  readonly target: unknown;
  readonly from: End;
  readonly to: End;
  /** What the file calls the fields, for messages. */
  readonly names: { readonly source: string; readonly target: string; readonly from: string; readonly to: string };
}

const REACT_FLOW = { source: "source", target: "target", from: "sourceHandle", to: "targetHandle" };
const CONNECTION = { source: "from", target: "to", from: "fromExec or fromOutput", to: "toExec or toInput" };
const NORMALIZED = { source: "source", target: "target", from: "source_pin", to: "target_pin" };

/**
 * The edge with this id; undefined when it does not say what it connects. An issue about an edge that is dropped
 * names the node and the input it was to feed, so that the validator need not report them as unconnected.
 */
export function normalizeEdge(json: JsonObject, id: string, log: IssueLog): FlowEdge | undefined {
  warnUnknownKeys(json, EDGE_KEYS, `edge "${id}"`, log, { edge_id: id });
  const ends = readEnds(json);
  const source = nodeId(ends.source);
  const target = nodeId(ends.target);
  const { from, to } = ends;
  const place: IssuePlace = {
    edge_id: id,
    node_id: target,
    path: typeof to === "object" && to.kind === "data" && target !== undefined ? `inputs.${to.pin}` : undefined,
  };
  for (const [value, name] of [
    [source, ends.names.source],
    [target, ends.names.target],
  ]) {
    if (value === undefined) {
      log.error("MISSING_FIELD", `edge "${id}" has no "${name}": name the node that it connects`, place);
    }
  }
  for (const [end, name, wrong] of [
    [from, ends.names.from, "an input, where an edge ends: it must be exec-<pin> or output-<name>"],
    [to, ends.names.to, "an output, where an edge begins: it must be exec-in or input-<name>"],
  ] as const) {
    if (end === "missing") {
      log.error("MISSING_FIELD", `edge "${id}" has no "${name}": name the pin, or set type "exec"`, place);
    } else if (end === "wrong way") {
      log.error("UNKNOWN_PIN", `"${name}" of edge "${id}" names ${wrong}`, place);
    }
  }
  if (source === undefined || target === undefined || typeof from === "string" || typeof to === "string") {
    return undefined;
  }
  if (from.kind !== to.kind) {
    log.error(
      "KIND_MISMATCH",
      `edge "${id}" connects the ${from.kind} output "${from.pin}" of "${source}" to the ${to.kind} input "${to.pin}" ` +
        `of "${target}": connect exec to exec and data to data`,
      place,
    );
    return undefined;
  }
  return { id, kind: from.kind, source, source_pin: from.pin, target, target_pin: to.pin };
}

/** The id that an edge gives itself; undefined when it has none. */
export function writtenEdgeId(json: JsonObject): string | undefined {
  const id = own(json, "id");
  if (typeof id === "number") return String(id);
  return typeof id === "string" && id !== "" ? id : undefined;
}

function nodeId(value: unknown): string | undefined {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

function readEnds(json: JsonObject): Ends {
  if (["kind", "source_pin", "target_pin"].some((key) => own(json, key) !== undefined)) return readNormalized(json);
  if (["from", "to", "fromExec", "fromOutput", "toExec", "toInput"].some((key) => own(json, key) !== undefined)) {
    return readConnection(json);
  }
  const isExec = own(json, "type") === "exec";
  return {
    source: own(json, "source"),
    target: own(json, "target"),
    from: readHandle(own(json, "sourceHandle"), parseSourceHandle, isExec ? FINISH_PIN : undefined),
    to: readHandle(own(json, "targetHandle"), parseTargetHandle, isExec ? EXEC_PIN : undefined),
    names: REACT_FLOW,
  };
}

function readHandle(value: unknown, parse: (handle: string) => Handle | undefined, execPin: string | undefined): End {
  if (typeof value !== "string" || value === "") {
    return execPin === undefined ? "missing" : { kind: "exec", pin: execPin };
  }
  const handle = parse(value);
  if (handle === undefined) return "wrong way";
  return handle.pin === "" ? "missing" : handle;
}

function readConnection(json: JsonObject): Ends {
  const fromOutput = own(json, "fromOutput");
  const toInput = own(json, "toInput");
  const isData = isGiven(fromOutput) || isGiven(toInput);
  const end = (dataPin: unknown, execPin: unknown, usual: string): End => {
    if (isGiven(dataPin)) return pinEnd("data", dataPin);
    if (isGiven(execPin)) return pinEnd("exec", execPin);
    return isData ? "missing" : { kind: "exec", pin: usual };
  };
  return {
    source: own(json, "from"),
    target: own(json, "to"),
    from: end(fromOutput, own(json, "fromExec"), FINISH_PIN),
    to: end(toInput, own(json, "toExec"), EXEC_PIN),
    names: CONNECTION,
  };
}

function readNormalized(json: JsonObject): Ends {
  const kind = own(json, "kind") === "exec" ? "exec" : "data";
  return {
    source: own(json, "source"),
    target: own(json, "target"),
    from: pinEnd(kind, own(json, "source_pin")),
    to: pinEnd(kind, own(json, "target_pin")),
    names: NORMALIZED,
  };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function pinEnd(kind: "exec" | "data", pin: unknown): End {
  return typeof pin === "string" && pin !== "" ? { kind, pin } : "missing";
}

/** Whether a list element may be an edge at all; an issue when not. */
export function isEdge(json: unknown, path: string, log: IssueLog): json is JsonObject {
  if (isObject(json)) return true;
  log.error("MISSING_FIELD", `${path} is ${describeValue(json)}: an edge is an object with "source" and "target"`, {
    path,
  });
  return false;
}
