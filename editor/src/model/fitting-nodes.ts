/** Which node types fit a loose wire, and by which pin: for the search that opens where a wire is dropped. */
import type { NodeType } from "../../../flow/index.ts";
import { checkPins } from "./connection-rules.ts";
import type { DocNode } from "./flow-document.ts";
import { type PinView, viewOf } from "./node-view.ts";

/** The pin of a new node of this type that a wire from `pin` would end on; undefined when none fits. */
export function fittingPin(type: NodeType, pin: PinView): PinView | undefined {
  return bestPin(pin, pinsOf(type));
}

/** Of these pins the one that a wire from `pin` fits best; a free input before one that is taken. */
export function bestPin(pin: PinView, among: readonly PinView[]): PinView | undefined {
  const candidates = among.filter((other) => {
    if (other.side === pin.side) return false;
    return pin.side === "source" ? checkPins(pin, other).allowed : checkPins(other, pin).allowed;
  });
  const score = (other: PinView): number =>
    (other.typeText === pin.typeText ? 4 : 0) +
    (other.name === pin.name ? 3 : 0) +
    (other.typeText !== "any" ? 1 : 0) +
    (other.required ? 1 : 0) -
    (other.special === "new" ? 2 : 0) -
    (other.name === "error" ? 8 : 0) -
    (other.connected && other.side === "target" && other.kind === "data" ? 12 : 0);
  return candidates.reduce<PinView | undefined>(
    (best, other) => (best === undefined || score(other) > score(best) ? other : best),
    undefined,
  );
}

const known = new WeakMap<NodeType, readonly PinView[]>();

function pinsOf(type: NodeType): readonly PinView[] {
  let pins = known.get(type);
  if (pins === undefined) {
    const node: DocNode = { id: "new", type: type.type, position: { x: 0, y: 0 }, config: {}, constants: {} };
    const view = viewOf(node, type, []);
    pins = [...view.left, ...view.right, ...view.failure];
    known.set(type, pins);
  }
  return pins;
}

/** The two pins by which a new node of this type goes between the ends of a wire; either may be missing. */
export function pinsBetween(type: NodeType, source: PinView, target: PinView): { in?: PinView; out?: PinView } {
  const into = fittingPin(type, source);
  const out = fittingPin(type, target);
  return { ...(into === undefined ? {} : { in: into }), ...(out === undefined ? {} : { out }) };
}
