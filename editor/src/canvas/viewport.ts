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

/** Room that a new node takes, with some air around it. */
const ROOM = { x: 200, y: 130 };
/** Around the middle, the nearest first: below, right, above, left, then the corners and further out. */
const RINGS = [0, 1, 2].flatMap((ring) =>
  [
    [0, ring],
    [ring, 0],
    [0, -ring],
    [-ring, 0],
    [ring, ring],
    [ring, -ring],
    [-ring, ring],
    [-ring, -ring],
  ].map(([x = 0, y = 0]) => ({ x: x * ROOM.x, y: y * ROOM.y })),
);

/** A free place near the middle of what is seen. */
export function freePlace(taken: readonly Point[]): Point {
  const middle = current?.center() ?? { x: 0, y: 0 };
  const round = (value: number) => Math.round(value / 10) * 10;
  const first = { x: round(middle.x - 90), y: round(middle.y - 50) };
  const places = RINGS.map((by) => ({ x: first.x + by.x, y: first.y + by.y }));
  const isFree = (at: Point) => !taken.some(({ x, y }) => Math.abs(x - at.x) < ROOM.x && Math.abs(y - at.y) < ROOM.y);
  return places.find(isFree) ?? { x: first.x + 20 * (taken.length % 10), y: first.y + 20 * (taken.length % 10) };
}
