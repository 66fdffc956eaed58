/** The canvas' view, for what lies outside of it: shortcuts, the problems list, the palette. */
import type { Point } from "../model/flow-document.ts";

export interface Viewport {
  /** Shows the whole flow. */
  fit(): void;
  zoom(factor: number): void;
  /** The middle of what is seen, in the flow. */
  center(): Point;
  toScreen(at: Point): Point;
  toFlow(at: Point): Point;
  /** Brings these nodes into sight. */
  show(ids: readonly string[]): void;
}

let current: Viewport | undefined;

export function setViewport(viewport: Viewport): void {
  current = viewport;
}

/** Undefined before the canvas is there. */
export function viewport(): Viewport | undefined {
  return current;
}

/** A place in the middle of what is seen, a little off with each node that lies there already. */
export function freePlace(taken: readonly Point[]): Point {
  const middle = current?.center() ?? { x: 0, y: 0 };
  const round = (value: number) => Math.round(value / 10) * 10;
  let at = { x: round(middle.x - 90), y: round(middle.y - 50) };
  while (taken.some(({ x, y }) => Math.abs(x - at.x) < 20 && Math.abs(y - at.y) < 20))
    at = { x: at.x + 30, y: at.y + 30 };
  return at;
}
