/**
 * Where everything of a node lies, before it is drawn: so wires can be drawn to nodes that are out of sight, and the
 * layout knows every size. styles/nodes.css draws by the same numbers.
 */
import type { Point } from "./flow-document.ts";
import { type NodeView, type PinView, pinLabel } from "./node-view.ts";

export const HEADER = 42;
/** Width of a node's border: what lies in a node is placed from inside of it. */
export const BORDER = 1;
export const ROW = 24;
export const PAD = 8;
export const GRID = 10;
const MIN_WIDTH = 170;
const MAX_WIDTH = 320;
/** Mean width of a letter in the canvas' font, px at zoom 1. */
const LETTER = 6.4;
const PIN_SPACE = 22;
const VALUE_SPACE = 14;
const MAX_VALUE_LETTERS = 12;
const FAILURE_STEP = 20;

export interface NodeGeometry {
  readonly width: number;
  readonly height: number;
  /** The middle of each pin from the node's top left, by `<side> <handle>`. */
  readonly pins: ReadonlyMap<string, Point>;
}

const known = new WeakMap<NodeView, NodeGeometry>();

export function geometryOf(view: NodeView): NodeGeometry {
  const before = known.get(view);
  if (before !== undefined) return before;
  const width = widthOf(view);
  const rows = Math.max(view.left.length, view.right.length);
  const height = HEADER + 2 * PAD + rows * ROW;
  const pins = new Map<string, Point>();
  const rowMiddle = (at: number) => HEADER + PAD + at * ROW + ROW / 2;
  for (const [at, pin] of view.left.entries()) pins.set(pinKey(pin), { x: 0, y: rowMiddle(at) });
  for (const [at, pin] of view.right.entries()) pins.set(pinKey(pin), { x: width, y: rowMiddle(at) });
  for (const [at, pin] of view.failure.entries()) {
    pins.set(pinKey(pin), { x: width - FAILURE_STEP * (view.failure.length - at), y: height });
  }
  const geometry = { width, height, pins };
  known.set(view, geometry);
  return geometry;
}

export function pinKey({ side, handle }: Pick<PinView, "side" | "handle">): string {
  return `${side} ${handle}`;
}

function widthOf(view: NodeView): number {
  const rows = Math.max(view.left.length, view.right.length);
  let widest = Math.max(view.title.length * 7.4, view.subtitle.length * 5.8) + 52;
  for (let at = 0; at < rows; at++) {
    widest = Math.max(widest, leftWidth(view, view.left[at]) + labelWidth(view.right[at]) + 10);
  }
  return Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, Math.ceil(widest / GRID) * GRID));
}

function labelWidth(pin: PinView | undefined): number {
  return pin === undefined ? 0 : pinLabel(pin).length * LETTER + PIN_SPACE;
}

function leftWidth(view: NodeView, pin: PinView | undefined): number {
  if (pin === undefined) return 0;
  const value = pin.kind === "data" && !pin.connected ? shownConstant(view, pin) : undefined;
  const letters = Math.min(MAX_VALUE_LETTERS, value?.length ?? 0);
  return labelWidth(pin) + (value === undefined ? 0 : letters * LETTER + VALUE_SPACE);
}

/** The literal that an unconnected input has, as text; undefined when it has none. */
export function shownConstant(view: NodeView, pin: PinView): string | undefined {
  if (pin.side !== "target" || pin.special !== undefined || !Object.hasOwn(view.node.constants, pin.name))
    return undefined;
  const value = view.node.constants[pin.name];
  return typeof value === "string" ? `"${value}"` : (JSON.stringify(value) ?? "");
}
