import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type LogEntry, Run } from "./fold.ts";
import { inspectedMachine, type RunInspection } from "./inspected-machine.ts";
import { runChart } from "./machine.ts";

const folder = join(import.meta.dirname, "../../tests/fixtures/logs/v1");
const recordings = readdirSync(folder).filter((name) => name.endsWith(".json"));

interface Recording {
  readonly run: string;
  readonly partition: number;
  readonly entries: LogEntry[];
  readonly result: unknown;
}

function read(name: string): Recording {
  return JSON.parse(readFileSync(join(folder, name), "utf8"));
}

/** Folds a log twice at once, plainly and through XState; gives what was told, and where the plain one stood. */
function inspect({ partition, entries }: Recording) {
  const told: RunInspection[] = [];
  const states: string[] = [];
  let inspected: Run | undefined;
  let plain: Run | undefined;
  for (const entry of entries) {
    if (plain && inspected) expect(inspected.apply(entry)).toEqual(plain.apply(entry));
    else if (entry.kind === "run" && entry.message.kind === "submitted") {
      const at = { partition, seq: entry.seq, timeMs: entry.timeMs };
      const machine = inspectedMachine((event) => told.push(event));
      plain = new Run(entry.message, at);
      inspected = new Run(entry.message, at, undefined, undefined, machine);
      expect(inspected.begin()).toEqual(plain.begin());
    }
    if (plain) states.push(plain.state);
    expect(inspected?.state).toBe(plain?.state);
  }
  return { told, states, result: inspected?.result };
}

describe("a run through XState's machine", () => {
  test.each(recordings)("goes the same way as without it: %s", (name) => {
    const recording = read(name);
    expect(inspect(recording).result).toEqual(recording.result);
  });

  test("tells of itself, of each event and of where it led, in the format of Stately's inspector", () => {
    const recording = read("incident-and-retry.json");
    const { told, states } = inspect(recording);
    const [first] = told;
    if (first?.type !== "@xstate.actor") throw new Error("it does not begin with the actor");
    expect(JSON.parse(first.definition)).toEqual({ id: "run", ...JSON.parse(JSON.stringify(runChart)) });
    expect(first.snapshot.value).toBe("submitted");
    const seen = told.flatMap((event) => (event.type === "@xstate.snapshot" ? [event.snapshot.value] : []));
    // Between the first snapshot and the last lies each state of the fold.
    expect(seen.filter((value, at) => value !== seen[at - 1])).toEqual([
      "submitted",
      ...states.filter((value, at) => value !== states[at - 1]),
    ]);
    expect(seen).toContain("paused");
    const paused = told.find((event) => event.type === "@xstate.snapshot" && event.snapshot.value === "paused");
    expect(paused).toMatchObject({ snapshot: { status: "active", context: { incidents: 1, outcome: null } } });
    expect(told.at(-1)).toMatchObject({ type: "@xstate.snapshot", snapshot: { status: "done" } });
    const begun = told.flatMap((event) =>
      "event" in event && event.event.type === "xstate.init" ? [event.event] : [],
    );
    expect(begun).toEqual([{ type: "xstate.init" }, { type: "xstate.init" }]);
    for (const event of told) {
      expect(event).toMatchObject({ sessionId: recording.run, rootId: recording.run, id: null });
      expect(event._version).toMatch(/^\d+\.\d+\.\d+$/);
      expect(() => JSON.stringify(event)).not.toThrow();
    }
    // The times are the log's.
    const times = told.flatMap((event) => (event.type === "@xstate.event" ? [Number(event.createdAt)] : []));
    expect(times.at(-1)).toBe(
      recording.entries.findLast(({ kind, message }) => kind === "result" || message.kind !== "finished")?.timeMs,
    );
    expect(inspect(recording).told).toEqual(told);
  });
});
