/** What is special about the pins of loop nodes. */
import type { NodeKind } from "./node-type.ts";

export type LoopKind = "for_each" | "while" | "repeat";

/** The exec output that starts an iteration. */
export const BODY_PIN = "body";
/** The input that takes an iteration's result out of the body. */
export const COLLECT_PIN = "collect";

/** Outputs that differ from one iteration to the next: they exist in the body only. All others, after the loop only. */
const BODY_OUTPUTS: Readonly<Record<LoopKind, readonly string[]>> = {
  for_each: ["item", "index"],
  while: ["iteration"],
  repeat: ["index"],
};

export function isLoopKind(kind: NodeKind | undefined): kind is LoopKind {
  return kind === "for_each" || kind === "while" || kind === "repeat";
}

export function isBodyOutput(kind: NodeKind | undefined, pin: string): boolean {
  return isLoopKind(kind) && BODY_OUTPUTS[kind].includes(pin);
}

export function isCollectInput(kind: NodeKind | undefined, pin: string): boolean {
  return (kind === "for_each" || kind === "repeat") && pin === COLLECT_PIN;
}
