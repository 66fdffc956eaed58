/** Bars of a run's waterfall: one for each attempt of each activation, in the order in which they began. */
import type { ActivationFrame } from "./frame.ts";
import type { FrameCursor } from "./frame-cursor.ts";

export interface Bar {
  /** Of this bar among all. */
  readonly key: string;
  /** Of its activation. */
  readonly activation: string;
  readonly node: string;
  readonly scope: string;
  readonly consumer: string | undefined;
  readonly attempt: number;
  /** How deep in loops it lies. */
  readonly depth: number;
  /** `ready`: nobody has begun it; `waiting`: a sleep, a signal, a pause before the next attempt. */
  readonly state: "ready" | "running" | "waiting" | "held" | "completed" | "failed" | "cancelled";
  /** Ms after the run began. */
  readonly queuedAt: number;
  /** When its code began; undefined: not known, or not yet. */
  readonly startedAt: number | undefined;
  /** Undefined while it goes on. */
  readonly endedAt: number | undefined;
}

export interface Waterfall {
  readonly bars: readonly Bar[];
  /** Ms from the run's beginning to the end of the picture. */
  readonly span: number;
}

/** The run as of the cursor's frame. `beganMs`: when the run was submitted; `nowMs`: to where open bars reach. */
export function waterfallOf(cursor: FrameCursor, beganMs: number, nowMs: number): Waterfall {
  const bars: Bar[] = [];
  let span = Math.max(0, nowMs - beganMs);
  for (const id of cursor.nodeIds()) {
    for (const activation of cursor.activations(id)) {
      for (const bar of barsOf(activation, beganMs)) {
        bars.push(bar);
        span = Math.max(span, bar.endedAt ?? bar.startedAt ?? bar.queuedAt);
      }
    }
  }
  // The sort is stable: of what began together, the node that was reached first comes first.
  bars.sort((a, b) => a.queuedAt - b.queuedAt || a.depth - b.depth);
  return { bars, span };
}

function barsOf(activation: ActivationFrame, beganMs: number): Bar[] {
  const { key, node, scope, consumer, state, attempts, readyMs, endedMs } = activation;
  if (state === "skipped" || state === "pending") return [];
  const place = { activation: key, node, scope, consumer, depth: scope === "" ? 0 : scope.split("/").length };
  const bars = attempts.map((attempt, at): Bar => {
    const open = attempt.state === "running" && at === attempts.length - 1;
    return {
      ...place,
      key: `${key}#${attempt.number}`,
      attempt: attempt.number,
      state: open && (state === "waiting" || state === "held") ? state : attempt.state,
      queuedAt: attempt.queuedMs - beganMs,
      startedAt: attempt.startedMs === undefined ? undefined : attempt.startedMs - beganMs,
      endedAt: attempt.endedMs === undefined ? undefined : attempt.endedMs - beganMs,
    };
  });
  // It has not begun, or is between two attempts.
  const last = attempts.at(-1);
  const idle = state === "ready" || state === "waiting" || state === "held";
  if (idle && last?.state !== "running") {
    const queuedAt = (last?.endedMs ?? readyMs) - beganMs;
    bars.push({
      ...place,
      key: `${key}#next`,
      attempt: attempts.length + 1,
      state,
      queuedAt,
      startedAt: undefined,
      endedAt: undefined,
    });
  } else if (attempts.length === 0 && state === "cancelled") {
    const endedAt = (endedMs ?? readyMs) - beganMs;
    bars.push({
      ...place,
      key: `${key}#0`,
      attempt: 0,
      state,
      queuedAt: readyMs - beganMs,
      startedAt: undefined,
      endedAt,
    });
  }
  return bars;
}
