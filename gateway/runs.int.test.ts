/** Runs that people look at and take a hand in: with a real server, orchestrators and actors. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { flowBuilder } from "../flow/testing.ts";
import { runIdOf } from "../nats/index.ts";
import type { RunEnd } from "./run-directory.ts";
import type { RunStep } from "./run-views.ts";
import { eventually, withRuns } from "./testing-runs.ts";

const rig = withRuns();
beforeAll(rig.start, 60_000);
afterEach(rig.rest);
afterAll(rig.stop);

const waiter = (name = "waiter", signal = "go") =>
  flowBuilder({ name })
    .node("start", "start")
    .node("a", "base_debug", { constants: { value: 1 } })
    .node("wait", "control_wait_signal", { config: { signal } })
    .node("b", "base_debug", { constants: { value: 2 } })
    .node("ret", "return")
    .chain("start", "a", "wait", "b", "ret")
    .data("wait.payload", "ret.payload")
    .build();

const sleeper = (seconds: number, name = "sleeper") =>
  flowBuilder({ name })
    .node("start", "start")
    .node("nap", "control_sleep", { constants: { seconds } })
    .node("b", "base_debug", { constants: { value: 2 } })
    .node("ret", "return")
    .chain("start", "nap", "b", "ret")
    .data("b.value", "ret.v")
    .build();

const fragile = (key: string, strategy: "abort" | "pause", name = "fragile") =>
  flowBuilder({ name, error_strategy: strategy })
    .node("start", "start")
    .node("a", "base_debug", { constants: { value: 7 } })
    .node("frail", "test_fragile", {
      constants: { key },
      policy: {
        retry: {
          max_attempts: 2,
          initial_interval: "10ms",
          backoff: 1,
          max_interval: "1s",
          jitter: false,
          non_retryable: [],
        },
      },
    })
    .node("ret", "return")
    .chain("start", "a", "frail", "ret")
    .data("a.value", "ret.a")
    .data("frail.value", "ret.frail")
    .build();

const hanging = flowBuilder({ name: "hanging" })
  .node("start", "start")
  .node("hang", "test_hang")
  .node("ret", "return")
  .chain("start", "hang", "ret")
  .build();

describe("a run that is controlled", () => {
  test("is cancelled down to its running code", async () => {
    await rig.orchestrate();
    const run = await rig.submit(hanging);
    await eventually(() => expect(rig.calls.get(run)).toBe(1));
    expect((await rig.directory.describe(run)).waits_for).toEqual([
      { kind: "actor", node: "hang", scope: "", type: "test_hang", attempt: 1 },
    ]);
    await rig.control.cancel(run, "enough");
    expect(await rig.ended(run)).toMatchObject({
      status: "cancelled",
      error: { code: "RunCancelled", message: "enough" },
    });
    await eventually(() => expect(rig.aborted).toContain(run));
    await expect(rig.control.cancel(run)).rejects.toMatchObject({ code: "RunEnded" });
  });

  test("is terminated without waiting for its code", async () => {
    await rig.orchestrate();
    const run = await rig.submit(hanging);
    await eventually(() => expect(rig.calls.get(run)).toBe(1));
    await rig.control.terminate(run);
    expect(await rig.ended(run)).toMatchObject({ status: "cancelled" });
  });

  test("starts nothing while it is paused, and goes on when it is resumed", async () => {
    await rig.orchestrate();
    const run = await rig.submit(waiter());
    await rig.standing(run, "waiting");
    await rig.control.pause(run);
    await rig.control.signal(run, { name: "go", payload: { by: "Ada" } });
    const paused = await rig.standing(run, "paused");
    expect(paused.waits_for).toContainEqual({ kind: "resume" });
    await eventually(async () =>
      expect((await rig.directory.describe(run)).nodes.find(({ node }) => node === "wait")?.state).toBe("completed"),
    );
    expect((await rig.directory.describe(run)).nodes.find(({ node }) => node === "b")?.state).toBe("idle");
    await rig.control.resume(run);
    expect(await rig.ended(run)).toMatchObject({ success: true, result: { payload: { by: "Ada" } } });
  });

  test("pauses over a failed node and goes on when it is retried", async () => {
    await rig.orchestrate();
    const run = await rig.submit(fragile("one", "pause"));
    const paused = await rig.standing(run, "paused");
    expect(paused.waits_for).toMatchObject([{ kind: "incident", node: "frail", error: { code: "Broken" } }]);
    expect(paused.failures).toMatchObject([
      {
        node: "frail",
        type: "test_fragile",
        inputs: { key: "one" },
        fatal: true,
        attempts: [
          { attempt: 1, error: { code: "Broken", message: "one is broken" } },
          { attempt: 2, error: { code: "Broken" } },
        ],
      },
    ]);
    await expect(rig.control.retry(run, { node: "a" })).rejects.toMatchObject({ code: "NothingToRetry" });
    rig.mend("one");
    await rig.control.retry(run, { node: "frail" });
    expect(await rig.ended(run)).toMatchObject({ success: true, result: { a: 7, frail: "one" } });
    expect((await rig.directory.describe(run)).failures).toEqual([]);
    await expect(rig.control.retry(run)).rejects.toMatchObject({ code: "RunEnded" });
  });

  test("takes a signal once, early or late, however often it is sent", async () => {
    await rig.orchestrate();
    const flow = flowBuilder({ name: "two-signals" })
      .node("start", "start")
      .node("nap", "control_sleep", { constants: { seconds: 1 } })
      .node("one", "control_wait_signal", { config: { signal: "go" } })
      .node("two", "control_wait_signal", { config: { signal: "go" } })
      .node("ret", "return")
      .chain("start", "nap", "one", "two", "ret")
      .data("one.payload", "ret.one")
      .data("two.payload", "ret.two")
      .build();
    const run = await rig.submit(flow);
    await rig.standing(run, "waiting");
    const early = await rig.control.signal(run, { name: "go", payload: "early", id: "s1" });
    const again = await rig.control.signal(run, { name: "go", payload: "early", id: "s1" });
    expect(again).toEqual(early);
    await eventually(async () =>
      expect((await rig.directory.describe(run)).waits_for).toEqual([
        { kind: "signal", node: "two", scope: "", signal: "go", until: null },
      ]),
    );
    await rig.control.signal(run, { name: "go", payload: "late", id: "s2" });
    expect(await rig.ended(run)).toMatchObject({ success: true, result: { one: "early", two: "late" } });
  });

  test("must be there", async () => {
    const unknown = runIdOf("nobody");
    await expect(rig.control.pause(unknown)).rejects.toMatchObject({ code: "RunNotFound" });
    await expect(rig.control.signal(unknown, { name: "x" })).rejects.toMatchObject({ code: "RunNotFound" });
    await expect(rig.directory.describe(unknown)).rejects.toMatchObject({ code: "RunNotFound" });
    await expect(rig.directory.result(unknown)).rejects.toMatchObject({ code: "RunNotFound" });
    await expect(rig.directory.watch(unknown).next()).rejects.toMatchObject({ code: "RunNotFound" });
  });
});

describe("a run that has ended", () => {
  test("is retried in a new run, from what failed, with what it had before", async () => {
    await rig.orchestrate();
    const run = await rig.submit(fragile("two", "abort"));
    expect(await rig.ended(run)).toMatchObject({ success: false, error: { code: "Broken", node_id: "frail" } });
    const report = await rig.directory.describe(run);
    expect(report.failures).toMatchObject([{ node: "frail", fatal: true, inputs: { key: "two" }, attempts: [{}, {}] }]);
    await eventually(async () => expect(await rig.directory.log.readHistory(run)).toBeDefined());
    rig.mend("two");
    const receipt = await rig.control.retry(run);
    expect(receipt).toMatchObject({ action: "rerun", rerun_of: run });
    expect(await rig.ended(receipt.run_id)).toMatchObject({ success: true, result: { a: 7, frail: "two" } });
    const described = await rig.directory.describe(receipt.run_id);
    expect(described.rerun_of).toBe(run);
    expect(described.nodes.map(({ node, reused }) => [node, reused])).toContainEqual(["a", true]);
  });

  test("is run again from any of its nodes with other inputs", async () => {
    await rig.orchestrate();
    rig.mend("three");
    rig.mend("four");
    const run = await rig.submit(fragile("three", "abort"));
    await rig.ended(run);
    await eventually(async () => expect(await rig.directory.log.readHistory(run)).toBeDefined());
    const again = await rig.control.rerun(run, { from: "frail", inputs: { key: "four" } });
    expect(await rig.ended(again.run_id)).toMatchObject({ success: true, result: { a: 7, frail: "four" } });
    await expect(rig.control.rerun(run, { from: "nobody" })).rejects.toMatchObject({ code: "ValidationError" });
  });
});

describe("a run that is looked at", () => {
  test("is shown as it stood after any of its events", async () => {
    await rig.orchestrate();
    const run = await rig.submit(waiter(), { x: 1 });
    await rig.standing(run, "waiting");
    await rig.control.signal(run, { name: "go", payload: 5 });
    await rig.ended(run);
    const steps: RunStep[] = [];
    for await (const step of rig.directory.events(run)) steps.push(step);
    expect(steps.map(({ event, kind, status }) => [event, kind, status])).toEqual([
      [1, "submitted", "running"],
      [2, "result", "waiting"],
      [3, "signal", "running"],
      [4, "result", "succeeded"],
      [5, "finished", "succeeded"],
    ]);
    const at = async (event: number) => (await rig.directory.describe(run, { event })).status;
    expect([await at(1), await at(2), await at(3), await at(99)]).toEqual([
      "running",
      "waiting",
      "running",
      "succeeded",
    ]);
    const second = steps[1]?.seq ?? 0;
    const earlier = await rig.directory.describe(run, { seq: second });
    expect(earlier).toMatchObject({ status: "waiting", ended_at: null, result: null, at: { event: 2, seq: second } });
    expect(earlier.waits_for).toEqual([{ kind: "signal", node: "wait", scope: "", signal: "go", until: null }]);
    expect(await rig.directory.describe(run, { seq: second + 0 })).toEqual(earlier);
    await expect(rig.directory.describe(run, { seq: 0 })).rejects.toMatchObject({ code: "ValidationError" });
    expect((await rig.directory.describe(run)).result).toMatchObject({ result: { payload: 5 } });
  });

  test("is the same from memory, from the shelf and from a trimmed log", async () => {
    const one = await rig.orchestrate({ restAfterMs: 50, trimEveryMs: 100 });
    const run = await rig.submit(waiter("shelf", "later"));
    const before = await rig.standing(run, "waiting");
    // The log is cut below it once it rests and others have gone by.
    await eventually(async () => {
      expect((await rig.directory.log.bounds()).firstSeq).toBeGreaterThan(before.at.seq);
    });
    expect(one.activeRuns).toBe(1);
    const { waits_for, nodes, at } = await rig.directory.describe(run);
    expect({ waits_for, nodes, at }).toEqual({ waits_for: before.waits_for, nodes: before.nodes, at: before.at });
    expect((await rig.directory.list({ flow: "shelf" })).map(({ run_id, status }) => [run_id, status])).toEqual([
      [run, "waiting"],
    ]);
    expect((await rig.directory.current(run))?.run?.state).toBe("running");
    await rig.control.pause(run);
    await eventually(async () =>
      expect((await rig.directory.list({ flow: "shelf" })).map(({ status }) => status)).toEqual(["paused"]),
    );
    await rig.control.resume(run);
    await rig.control.signal(run, { name: "later" });
    await rig.ended(run);
    await rig.standing(run, "succeeded");
    let events = 0;
    for await (const step of rig.directory.events(run)) expect(step.event).toBe(++events);
    expect(events).toBe(7);
  });

  test("is watched from its beginning to its end", async () => {
    await rig.orchestrate({ restAfterMs: 50, trimEveryMs: 100 });
    const run = await rig.submit(sleeper(3));
    await rig.standing(run, "waiting");
    const heard: (RunStep | RunEnd)[] = [];
    for await (const news of rig.directory.watch(run)) heard.push(news);
    expect(heard.map(({ kind }) => kind)).toEqual(["submitted", "timer", "result", "finished", "ended"]);
    expect(heard.at(-1)).toMatchObject({ result: { success: true } });
    const states = heard
      .flatMap((news) => ("nodes" in news ? news.nodes : []))
      .map(({ node, state }) => `${node} ${state}`);
    expect(states).toEqual([
      "start completed",
      "nap waiting",
      "nap completed",
      "b running",
      "b completed",
      "ret completed",
    ]);
  });

  test("is not watched for longer than it is wanted", async () => {
    await rig.orchestrate();
    const run = await rig.submit(waiter());
    await rig.standing(run, "waiting");
    const stop = new AbortController();
    let heard = 0;
    for await (const _ of rig.directory.watch(run, { signal: stop.signal })) if (++heard === 2) stop.abort();
    expect(heard).toBe(2);
    await rig.control.terminate(run);
  });

  test("with a loop over thousands of items has all its events, however they are stored", async () => {
    await rig.orchestrate({ restAfterMs: 50, trimEveryMs: 100 });
    const items = 3_000;
    const flow = flowBuilder({ name: "long" })
      .node("start", "start")
      .node("each", "control_for_each", {
        config: { concurrency: 20 },
        constants: { list: Array.from({ length: items }, (_, i) => i) },
      })
      .node("a", "base_debug")
      .node("ret", "return")
      .chain("start", "each")
      .exec("each.body", "a")
      .exec("each.completed", "ret")
      .data("each.item", "a.value")
      .data("a.value", "each.collect")
      .data("each.count", "ret.count")
      .build();
    const run = await rig.submit(flow);
    const heard: string[] = [];
    await eventually(() => rig.directory.describe(run));
    for await (const news of rig.directory.watch(run)) {
      if ("nodes" in news)
        heard.push(...news.nodes.filter(({ state }) => state === "completed").map(({ node }) => node));
    }
    expect(heard.filter((node) => node === "a")).toHaveLength(items);
    expect(await rig.ended(run)).toMatchObject({ result: { count: items } });
    const described = await rig.directory.describe(run);
    expect(described.status).toBe("succeeded");
    expect(described.nodes.map(({ node }) => node)).toEqual(["start", "each", "ret"]);
    const middle = await rig.directory.describe(run, { event: Math.floor(described.at.event / 2) });
    expect(middle.status).toBe("running");
    expect(middle.nodes.find(({ node }) => node === "each")?.state).toBe("looping");
  });
});

describe("a list of runs", () => {
  test("holds live and finished runs, each once, by status and by flow", async () => {
    await rig.orchestrate({ restAfterMs: 50, trimEveryMs: 100 });
    const [asleep, waiting, done, failed] = await Promise.all([
      rig.submit(sleeper(600, "listed")),
      rig.submit(waiter("listed", "never")),
      rig.submit(sleeper(0, "listed")),
      rig.submit(fragile("unmended", "abort", "listed")),
    ]);
    const incident = await rig.submit(fragile("unmended", "pause", "listed"));
    await Promise.all([rig.ended(done), rig.ended(failed), rig.standing(incident, "paused")]);
    const ids = async (query: Parameters<typeof rig.directory.list>[0]) =>
      (await rig.directory.list({ flow: "listed", ...query })).map(({ run_id }) => run_id);
    const check = async (): Promise<void> => {
      expect(new Set(await ids({}))).toEqual(new Set([asleep, waiting, done, failed, incident]));
      expect((await ids({})).slice(0, 3)).toEqual(expect.arrayContaining([asleep, waiting, incident]));
      expect(new Set(await ids({ status: "waiting" }))).toEqual(new Set([asleep, waiting]));
      expect(await ids({ status: "paused" })).toEqual([incident]);
      expect(await ids({ status: "failed" })).toEqual([failed]);
      expect(await ids({ status: "succeeded" })).toEqual([done]);
      expect(await ids({ limit: 1 })).toHaveLength(1);
      expect(await ids({ sinceMs: Date.now() + 60_000 })).toHaveLength(3);
    };
    await check();
    const [row] = await rig.directory.list({ flow: "listed", status: "failed" });
    expect(row).toMatchObject({ error: "Broken", status: "failed", waits_for: [] });
    // And again when all that waits is on the shelf and the log is cut.
    await eventually(async () =>
      expect((await rig.directory.log.bounds()).firstSeq).toBeGreaterThan(await rig.directory.log.lastSeq()),
    );
    await check();
    expect(await rig.directory.resolve(asleep.slice(0, 12))).toBe(asleep);
    expect(await rig.directory.resolve(done.slice(0, 12))).toBe(done);
    await expect(rig.directory.resolve("r0")).rejects.toMatchObject({ code: "UsageError" });
    await expect(rig.directory.resolve("rzzzzzz")).rejects.toMatchObject({ code: "RunNotFound" });
    for (const run of [asleep, waiting, incident]) await rig.control.terminate(run);
    await rig.ended(asleep);
  });
});
