/** The handles by which edges name pins, from and to the pins that the engine knows. */
import { EXEC_PIN, FINISH_PIN, type Handle, parseSourceHandle, parseTargetHandle } from "../../../flow/index.ts";

export type Side = "source" | "target";

export function sourceHandleOf({ kind, pin }: Handle): string {
  if (kind === "data") return `output-${pin}`;
  return pin === FINISH_PIN ? "exec-out" : `exec-${pin}`;
}

export function targetHandleOf({ kind, pin }: Handle): string {
  if (kind === "data") return `input-${pin}`;
  return pin === EXEC_PIN ? "exec-in" : `exec-${pin}`;
}

export function parseHandle(side: Side, handle: string): Handle | undefined {
  return side === "source" ? parseSourceHandle(handle) : parseTargetHandle(handle);
}

/** An edge is a wire of data unless both of its ends are exec. */
export function edgeKind(edge: { readonly sourceHandle: string; readonly targetHandle: string }): "exec" | "data" {
  return parseSourceHandle(edge.sourceHandle)?.kind === "exec" ? "exec" : "data";
}
