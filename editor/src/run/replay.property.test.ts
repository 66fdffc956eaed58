/** Properties of replay over random runs: joins, loops in loops, retries, signals, pauses, breakpoints. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LogEntry } from "../api/answers.ts";
import type { ActivationFrame, NodeState } from "./frame.ts";
import type { FrameCursor } from "./frame-cursor.ts";
import { RunFrames } from "./replay.ts";
import { playedRun } from "./testing-history.ts";
import { waterfallOf } from "./waterfall.ts";

const shapes: [string, Parameters<typeof playedRun>[1], number][] = [
  ["acyclic flows", { nodes: 10 }, 0],
  ["flows that fail and try again", { nodes: 10, faults: true, control: true }, 0.15],
  ["loops in loops", { nodes: 6, loopDepth: 2, faults: true, control: true }, 0.08],
];

function framesOf(entries: readonly LogEntry[]): RunFrames {
  const frames = new RunFrames("run1");
  for (const entry of entries) frames.append(entry);
  return frames;
}

/** All that a cursor shows. */
function picture(cursor: FrameCursor, frames: RunFrames): unknown {
  const nodes = [...(frames.graph?.nodes.keys() ?? [])].map((id) => [id, cursor.node(id), cursor.activations(id)]);
  const edges = (frames.graph?.flow.edges ?? []).map(({ id }) => [id, cursor.edge(id)]);
  return { nodes, edges, frame: cursor.frame, waterfall: waterfallOf(cursor, 0, 0) };
}

function activationsOf(cursor: FrameCursor): ActivationFrame[] {
  return [...cursor.nodeIds()].flatMap((id) => cursor.activations(id));
}

describe.each(shapes)("%s", (_, options, failures) => {
  test("look the same live and in replay, wherever the cursor comes from", () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.array(fc.nat(1_000), { minLength: 1, maxLength: 6 }), (seed, stops) => {
        const { log } = playedRun(seed, options, failures);
        const whole = framesOf(log);
        const moved = whole.cursor();
        const live = new RunFrames("run1");
        const following = live.cursor();
        const seen: unknown[] = [];
        for (const entry of log) {
          live.append(entry);
          following.seek(Number.POSITIVE_INFINITY);
          seen.push(picture(following, live));
        }
        for (const stop of stops) {
          const index = stop % log.length;
          moved.seek(index);
          expect(picture(moved, whole)).toEqual(seen[index]);
        }
      }),
      { numRuns: 150 },
    );
  });

  test("show what the engine knows: states, counts and times", () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), (seed) => {
        const { log, run, result } = playedRun(seed, options, failures);
        const frames = framesOf(log);
        const cursor = frames.cursor();
        cursor.seek(Number.POSITIVE_INFINITY);
        expect(frames.broken).toBeUndefined();
        for (const { path, region, activations } of run.details.scopes.values()) {
          for (const { node, state } of activations.values()) {
            if (node === region) continue;
            const shown = cursor.activation(node, `${node}@${path}`);
            const settled = ["completed", "failed", "skipped"].includes(state);
            if (settled) expect(shown?.state, `${node}@${path}`).toBe(state);
            else if (state === "cancelled")
              expect(["cancelled", "pending", "failed", "ready", undefined]).toContain(shown?.state);
          }
        }
        if (!result) return;
        const all = activationsOf(cursor);
        const count = (...states: NodeState[]): number => all.filter(({ state }) => states.includes(state)).length;
        const own = all.filter(({ consumer }) => consumer === undefined);
        expect(own.filter(({ state }) => state === "skipped")).toHaveLength(result.statistics.nodes_skipped);
        if (failures === 0) {
          expect(count("completed", "failed")).toBe(result.statistics.nodes_executed);
          for (const [node, seconds] of Object.entries(result.statistics.node_times)) {
            expect(cursor.node(node)?.seconds, node).toBeCloseTo(seconds, 5);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test("resolve every exec edge between nodes that settled, as the engine did", () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), (seed) => {
        const { log } = playedRun(seed, options, failures);
        const frames = framesOf(log);
        const cursor = frames.cursor();
        cursor.seek(Number.POSITIVE_INFINITY);
        const { graph } = frames;
        for (const { node, scope, state, consumer } of activationsOf(cursor)) {
          if (consumer !== undefined || state === "pending" || state === "cancelled") continue;
          const into = graph?.nodes.get(node)?.execIn ?? [];
          const seen = into.map(({ id }) => cursor.edgeIn(id, scope)).filter((edge) => edge !== "open");
          const taken = seen.filter((edge) => edge === "taken").length;
          expect(seen.length, `edges into ${node}@${scope}`).toBe(
            node === graph?.start ? 0 : into.length && graph?.nodes.get(node)?.execInByRegion.get(regionOf(scope)),
          );
          if (state === "skipped") expect(taken, `${node}@${scope}`).toBe(0);
          else if (node !== graph?.start) expect(taken, `${node}@${scope}`).toBeGreaterThan(0);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("change nothing when entries come twice, or with results of other runs", () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), (seed) => {
        const { log } = playedRun(seed, options, failures);
        const doubled = log.flatMap((entry) => [entry, entry]);
        expect(framesOf(doubled).frames).toEqual(framesOf(log).frames);
      }),
      { numRuns: 50 },
    );
  });
});

function regionOf(scope: string): string {
  return /([^/]+)\[\d+\]$/.exec(scope)?.[1] ?? "";
}
