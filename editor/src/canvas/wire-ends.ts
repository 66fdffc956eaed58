/** The wire between two pins, whichever of them it was begun at. */
import type { PinAt } from "../model/connection-rules.ts";
import type { Wire } from "../model/edit-edges.ts";

/** Undefined when both are outputs, or both inputs. */
export function wireBetween(a: PinAt, b: PinAt): Wire | undefined {
  if (a.side === b.side) return undefined;
  const [from, to] = a.side === "source" ? [a, b] : [b, a];
  return { source: from.node, sourceHandle: from.handle, target: to.node, targetHandle: to.handle };
}
