/** How React Flow handles name pins. The prefixes are exact: a data pin called `executed` is not exec. */

export interface Handle {
  readonly kind: "exec" | "data";
  readonly pin: string;
}

/** The exec output of a node that has but one. */
export const FINISH_PIN = "finish";
/** The exec input of every exec node. */
export const EXEC_PIN = "exec";

/** The pin that an edge leaves by; undefined for the handle of an input. */
export function parseSourceHandle(handle: string): Handle | undefined {
  if (handle === "exec-out") return { kind: "exec", pin: FINISH_PIN };
  if (handle.startsWith("input-")) return undefined;
  return parse(handle, "output-");
}

/** The pin that an edge ends on; undefined for the handle of an output. */
export function parseTargetHandle(handle: string): Handle | undefined {
  if (handle === "exec-in") return { kind: "exec", pin: EXEC_PIN };
  if (handle.startsWith("output-")) return undefined;
  return parse(handle, "input-");
}

function parse(handle: string, dataPrefix: string): Handle {
  if (handle.startsWith("exec-")) return { kind: "exec", pin: handle.slice("exec-".length) };
  return { kind: "data", pin: handle.startsWith(dataPrefix) ? handle.slice(dataPrefix.length) : handle };
}
