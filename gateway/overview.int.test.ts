/** What `rayflow top` reads, while the log is trimmed under it. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { flowBuilder } from "../flow/testing.ts";
import { OverviewReader } from "./overview.ts";
import { eventually, withRuns } from "./testing-runs.ts";

const rig = withRuns();
beforeAll(rig.start, 60_000);
afterEach(rig.rest);
afterAll(rig.stop);

const plain = flowBuilder({ name: "plain" }).node("start", "start").node("ret", "return").chain("start", "ret").build();
const waits = flowBuilder({ name: "waits" })
  .node("start", "start")
  .node("signal", "control_wait_signal", { config: { signal: "go" } })
  .node("ret", "return")
  .chain("start", "signal", "ret")
  .build();

test("a run that rests stays in the count when the log is trimmed, and leaves it when it ends", async () => {
  await rig.orchestrate({ restAfterMs: 50, trimEveryMs: 100 });
  const reader = await OverviewReader.open(rig.nats.nc);
  expect((await reader.read()).runs).toMatchObject({ live: 0, started_per_second: null });
  const run = await rig.submit(waits);
  await rig.standing(run, "waiting");
  const first = await reader.read();
  expect(first.runs).toMatchObject({ live: 1, by_state: { waiting: 1 }, active: [{ run_id: run }] });
  expect(first.runs.started_per_second).toBeGreaterThan(0);

  // What it has not read yet is gone by the time it looks again: it looks at everything.
  const begun = (await rig.directory.log.bounds()).lastSeq;
  for (let at = 0; at < 3; at++) await rig.ended(await rig.submit(plain));
  await eventually(async () => expect((await rig.directory.log.bounds()).firstSeq).toBeGreaterThan(begun + 1));
  const trimmed = await reader.read();
  expect(trimmed.runs).toMatchObject({ live: 1, active: [{ run_id: run, flow: "waits", status: "waiting" }] });
  const seconds = (Date.parse(trimmed.at) - Date.parse(first.at)) / 1000;
  expect(Math.round((trimmed.runs.succeeded_per_second ?? 0) * seconds)).toBe(3);
  expect(Math.round((trimmed.runs.started_per_second ?? 0) * seconds)).toBe(3);

  await rig.control.signal(run, { name: "go" });
  await rig.ended(run);
  await eventually(async () => expect((await reader.read()).runs).toMatchObject({ live: 0, active: [] }));
  const last = await reader.read();
  expect(last.partitions.map(({ owner }) => typeof owner)).toEqual(Array.from({ length: 8 }, () => "string"));
  await eventually(async () => {
    for (const { lag_messages } of (await reader.read()).partitions) expect(lag_messages).toBe(0);
  });
});
