/** Snapshots that come too late: they must not bring back a run that has ended. */
import { describe, expect, test } from "vitest";
import { fixtureTypes, flowBuilder } from "../flow/testing.ts";
import type { SubmittedMessage } from "../nats/index.ts";
import type { SnapshotMark } from "../store/index.ts";
import { GraphCache } from "./graph-cache.ts";
import { Run } from "./run/fold.ts";
import { type LiveRun, RunShelf } from "./run-shelf.ts";

const flow = flowBuilder()
  .node("start", "start")
  .node("nap", "control_sleep", { constants: { seconds: 60 } })
  .node("ret", "return")
  .chain("start", "nap", "ret")
  .build();
const types = [...fixtureTypes.values()].filter(({ type }) => flow.nodes.some((node) => node.type === type));
const submitted: SubmittedMessage = { v: 1, kind: "submitted", run: "r1", flow, types, inputs: {}, options: {} };

function liveRun(graphs: GraphCache): LiveRun {
  const blueprint = graphs.get(submitted);
  const run = new Run(submitted, { partition: 0, seq: 5, timeMs: 0 }, blueprint.graph);
  run.begin();
  const journal = [{ seq: 5, timeMs: 0, kind: "run" as const, message: submitted }];
  return { run, blueprint, journal, baseSeq: 5, touchedAt: 0, storing: undefined, revision: 0 };
}

/** A shelf over a store that keeps every write waiting until `finishWrites`. */
function shelfWith({ ends = {}, replayFrom = 0 }: { ends?: Record<string, number>; replayFrom?: number } = {}) {
  const stored = new Map<string, { snapshot: unknown; mark: SnapshotMark }>();
  let finishWrites = () => {};
  const gate = new Promise<void>((done) => {
    finishWrites = done;
  });
  const graphs = new GraphCache();
  const shelf = new RunShelf({
    partition: 0,
    graphs,
    replayFrom,
    history: { writeSegment: async () => {}, endSeq: async (run) => ends[run] },
    snapshots: {
      list: async () => new Map([...stored].map(([run, { mark }]) => [run, mark])),
      find: async (_, run) => stored.get(run)?.mark,
      read: async (_, run) => {
        const found = stored.get(run);
        return found && { snapshot: found.snapshot, shared: { flow, types } };
      },
      write: async (_, run, { snapshot }, mark) => {
        await gate;
        stored.set(run, { snapshot, mark: { ...mark, revision: 7 } });
        return 7;
      },
      delete: async (_, run) => {
        stored.delete(run);
      },
    },
  });
  return { shelf, stored, graphs, finishWrites };
}

describe("a snapshot that was on its way when its run ended", () => {
  test("goes with the run", async () => {
    const { shelf, stored, graphs, finishWrites } = shelfWith();
    const live = liveRun(graphs);
    const writing = shelf.write(live);
    const deleting = shelf.delete(live);
    finishWrites();
    await Promise.all([writing, deleting]);
    expect(stored.size).toBe(0);
  });
});

describe("a snapshot found at the opening", () => {
  const found = async (options: { ends?: Record<string, number>; replayFrom?: number }) => {
    const rig = shelfWith(options);
    rig.finishWrites();
    await rig.shelf.write(liveRun(rig.graphs));
    await rig.shelf.open();
    return { ...rig, taken: await rig.shelf.take("r1") };
  };

  test("of a run that goes on is taken up", async () => {
    expect((await found({ replayFrom: 20 })).taken?.run.id).toBe("r1");
  });

  test("of a run whose end has been settled is a leftover: it is thrown away", async () => {
    const { taken, stored, shelf } = await found({ ends: { r1: 19 }, replayFrom: 20 });
    expect({ taken, stored: stored.size, resting: shelf.size }).toEqual({ taken: undefined, stored: 0, resting: 0 });
  });

  test("of a run whose end is still to be read again is taken up, so that it is settled", async () => {
    expect((await found({ ends: { r1: 20 }, replayFrom: 20 })).taken?.run.id).toBe("r1");
  });
});
