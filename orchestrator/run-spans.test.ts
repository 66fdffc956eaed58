import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { fixtureTypes, flowBuilder } from "../flow/testing.ts";
import type { SubmittedMessage } from "../nats/index.ts";
import type { SpanData } from "../telemetry/index.ts";
import { type LogEntry, Run } from "./run/fold.ts";
import { RunBench } from "./run/testing.ts";
import { parseTraceparent, rootSpanId, traceIdOfRun, writeTraceparent } from "./run/trace-ids.ts";
import { spansOfRun } from "./run-spans.ts";

const traceparent = writeTraceparent(traceIdOfRun("run1"), rootSpanId("run1"));

/** The log of a run as if it had been traced. */
function tracedLog(log: readonly LogEntry[]): {
  first: LogEntry;
  message: SubmittedMessage;
  rest: readonly LogEntry[];
} {
  const [first, ...rest] = log;
  if (first?.kind !== "run" || first.message.kind !== "submitted") throw new Error("no run");
  return { first, message: { ...first.message, traceparent }, rest };
}

const spansOf = (run: Run): SpanData[] => spansOfRun({ ...run.details, version: undefined }, run.takeSpans());

/** Folds a log; `cutAt`: puts the run down and takes it up again after so many messages, as the shelf does. */
function fold(log: readonly LogEntry[], cutAt?: number): SpanData[] {
  const { first, message, rest } = tracedLog(log);
  let run = new Run(message, { partition: 0, seq: first.seq, timeMs: first.timeMs });
  run.noteSpans(true);
  run.begin();
  const spans: SpanData[] = [];
  for (const [at, entry] of rest.entries()) {
    if (at === cutAt) {
      // Half of the cuts take away what was noted before the snapshot; the others leave it in there.
      if (at % 2 === 0) spans.push(...spansOf(run));
      const snapshot = JSON.parse(JSON.stringify(run.snapshot()));
      run = Run.resume(snapshot, message.flow, message.types);
      run.noteSpans(true);
    }
    run.apply(entry);
  }
  return [...spans, ...spansOf(run)];
}

const byId = (spans: readonly SpanData[]) => [...spans].sort((a, b) => (a.spanId < b.spanId ? -1 : 1));

/** Name, and what an attempt or a state says. */
function lines(spans: readonly SpanData[]): string[] {
  const said = ({ name, attributes, startMs, endMs, failure }: SpanData) =>
    `${name} ${attributes["rayflow.state"] ?? attributes["rayflow.run.status"]} ${startMs - 1_000_000}-${endMs - 1_000_000}` +
    (failure ? ` ${failure.code}` : "");
  const children = (parent: string | undefined, depth: number): string[] =>
    spans
      .filter(({ parentSpanId }) => parentSpanId === parent)
      .flatMap((span) => [`${"  ".repeat(depth)}${said(span)}`, ...children(span.spanId, depth + 1)]);
  return children(undefined, 0);
}

/** A loop of two at a time over three items whose second one fails once, and a pure node behind the return. */
function bench(): RunBench {
  const flow = flowBuilder({ name: "loops" })
    .node("start", "start")
    .node("each", "control_for_each", { constants: { list: [1, 2, 3] }, config: { concurrency: 2 } })
    .node("show", "base_debug", {
      policy: { retry: { max_attempts: 2, initial_interval: "1s", jitter: false } } as never,
    })
    .node("sum", "math_add", { constants: { x: 1, y: 2 } })
    .node("ret", "return")
    .chain("start", "each")
    .exec("each.body", "show")
    .exec("each.completed", "ret")
    .data("each.item", "show.value")
    .data("show.value", "each.collect")
    .data("sum.result", "ret.sum")
    .build();
  const made = new RunBench(flow, { types: fixtureTypes });
  const work = (id: string) => {
    const found = made.work.find(({ entry }) => entry.id === `run1:${id}`);
    if (!found) throw new Error(`no work ${id} among ${made.work.map(({ entry }) => entry.id)}`);
    return found;
  };
  made.now += 10;
  made.answer(work("show@each[1]#1"), { error: { code: "Flaky" } });
  made.now += 10;
  made.answer(work("show@each[0]#1"), { outputs: { value: 1 } });
  made.fireNext();
  made.now += 10;
  made.answer(work("show@each[1]#2"), { outputs: { value: 2 } });
  made.now += 10;
  made.answer(work("show@each[2]#1"), { outputs: { value: 3 } });
  made.now += 10;
  made.answer(work("ret@>sum#1"), { outputs: { result: 3 } });
  expect(made.result).toMatchObject({ success: true });
  return made;
}

const folder = join(import.meta.dirname, "../tests/fixtures/logs/v1");

describe("the spans of runs that were recorded", () => {
  test.each(readdirSync(folder).filter((name) => name.endsWith(".json")))(
    "%s: all that was sent, and no orphan",
    (name) => {
      const { entries }: { entries: LogEntry[] } = JSON.parse(readFileSync(join(folder, name), "utf8"));
      const { first, message, rest } = tracedLog(entries);
      const traced = { ...message, traceparent: writeTraceparent(traceIdOfRun(message.run), rootSpanId(message.run)) };
      const run = new Run(traced, { partition: 0, seq: first.seq, timeMs: first.timeMs });
      run.noteSpans(true);
      const commands = [...run.begin(), ...rest.flatMap((entry) => run.apply(entry))];
      const spans = spansOf(run);
      const known = new Set(spans.map(({ spanId }) => spanId));
      expect(known.size).toBe(spans.length);
      expect(spans.filter(({ parentSpanId }) => parentSpanId !== undefined && !known.has(parentSpanId))).toEqual([]);
      // The actors' spans, and those of child runs, are children of what the messages said.
      const sent = commands.flatMap((command) => {
        if (command.type === "sendExec" || command.type === "sendData") return [command.entry.traceparent];
        return command.type === "startChild" ? [command.traceparent] : [];
      });
      for (const traceparent of sent) expect(known).toContain(parseTraceparent(traceparent)?.spanId);
      const root = spans.find(({ spanId }) => spanId === rootSpanId(message.run));
      expect(root?.attributes["rayflow.run.status"]).toBe(run.result?.status);
    },
  );
});

describe("the spans of a run", () => {
  test("nest iterations and attempts, with the log's times", () => {
    expect(lines(fold(bench().log)).join("\n")).toMatchInlineSnapshot(`
      "run_flow loops succeeded 0-1040
        start start completed 0-0
        control_for_each each completed 0-1030
          each[0] ended 0-20
            base_debug show completed 0-20
              send rayflow.node.base_debug ok 0-20
          each[1] ended 0-1020
            base_debug show completed 0-1020
              send rayflow.node.base_debug error 0-10 Flaky
              send rayflow.node.base_debug ok 1010-1020
          each[2] ended 20-1030
            base_debug show completed 20-1030
              send rayflow.node.base_debug ok 20-1030
        return ret completed 1030-1040
          send rayflow.node.math_add ok 1030-1040"
    `);
  });

  test("are the same wherever the run was put down in between", () => {
    const { log } = bench();
    const entire = byId(fold(log));
    expect(new Set(entire.map(({ spanId }) => spanId)).size).toBe(entire.length);
    for (let at = 0; at < log.length - 1; at++) expect(byId(fold(log, at)), `cut at ${at}`).toEqual(entire);
  });

  test("have parents that are there, all in one trace", () => {
    const spans = fold(bench().log);
    const known = new Set(spans.map(({ spanId }) => spanId));
    expect(spans.filter(({ parentSpanId }) => parentSpanId !== undefined && !known.has(parentSpanId))).toEqual([]);
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([traceIdOfRun("run1")]));
    expect(spans.every(({ startMs, endMs }) => startMs <= endMs)).toBe(true);
  });

  test("are none of a run that is not traced, which notes nothing", () => {
    const { log } = bench();
    const { first, message, rest } = tracedLog(log);
    const { traceparent: _, ...plain } = message;
    const run = new Run(plain, { partition: 0, seq: first.seq, timeMs: first.timeMs });
    run.noteSpans(true);
    run.begin();
    for (const entry of rest) run.apply(entry);
    expect(run.details.spans).toBeUndefined();
    expect(spansOf(run)).toEqual([]);
  });

  test("of a cancelled run say what was cut short, and that of the run what ended it", () => {
    const made = bench();
    const { first, message, rest } = tracedLog(made.log);
    const run = new Run(message, { partition: 0, seq: first.seq, timeMs: first.timeMs });
    run.noteSpans(true);
    run.begin();
    for (const entry of rest.slice(0, 1)) run.apply(entry);
    const control = { v: 1, kind: "control", run: "run1", action: "terminate" } as const;
    run.apply({ seq: 99, timeMs: 1_000_500, kind: "run", message: control });
    expect(lines(spansOf(run)).join("\n")).toMatchInlineSnapshot(`
      "run_flow loops cancelled 0-500
        start start completed 0-0
        control_for_each each cancelled 0-500
          each[0] cut 0-500
            base_debug show cancelled 0-500
              send rayflow.node.base_debug dropped 0-500
          each[1] cut 0-500
            base_debug show cancelled 0-500
              send rayflow.node.base_debug error 0-10 Flaky"
    `);
  });

  test("tell of a run that could not be folded on", () => {
    const { first, message } = tracedLog(bench().log);
    const run = new Run(message, { partition: 0, seq: first.seq, timeMs: first.timeMs });
    run.noteSpans(true);
    run.begin();
    run.breakOff({ code: "GraphBuildError", message: "a bug", retryable: false });
    const root = spansOf(run).find(({ spanId }) => spanId === rootSpanId("run1"));
    expect(root).toMatchObject({ name: "run_flow loops", failure: { code: "GraphBuildError" } });
  });
});
