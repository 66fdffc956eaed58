import stringWidth from "string-width";
import { describe, expect, it } from "vitest";
import type { Overview } from "../gateway/index.ts";
import { rate, size, span, type TopView, topLines } from "./top-view.ts";

function run(at: number, more: Partial<Overview["runs"]["active"][number]> = {}): Overview["runs"]["active"][number] {
  return {
    run_id: `r${String(at).padStart(25, "0")}`,
    flow: "orders",
    version: null,
    status: "running",
    submitted_at: "2026-01-31T12:00:00.000Z",
    ended_at: null,
    status_code: null,
    error: null,
    waits_for: [{ kind: "actor", node: "fetch", scope: "", type: "io_http_request", attempt: 1 }],
    age_seconds: 100 - at,
    ...more,
  };
}

function overviewOf(more: Partial<Overview> = {}): Overview {
  const active = Array.from({ length: 30 }, (_, at) => run(at));
  return {
    at: "2026-01-31T12:34:56.789Z",
    server: { url: "nats://127.0.0.1:4222", version: "2.14.0", rtt_ms: 1 },
    runs: {
      live: 42,
      by_state: { running: 29, paused: 1 },
      looked_at: 30,
      started_per_second: 12.34,
      succeeded_per_second: 250,
      failed_per_second: 0,
      cancelled_per_second: null,
      active,
    },
    orchestrators: [{ id: "o-1", version: "1.0.0", partitions: 8, active_runs: 42 }],
    partitions: Array.from({ length: 8 }, (_, partition) => ({
      partition,
      owner: "o-1",
      lag_messages: 0,
      lag_seconds: 0,
      checkpoint_age_seconds: 1.25,
    })),
    types: Array.from({ length: 40 }, (_, at) => ({
      type: `type_${String(at).padStart(2, "0")}`,
      actors: 2,
      pulls: 2,
      pending: at,
      in_flight: 1,
      redelivered: at === 39 ? 7 : 0,
      messages_per_second: 40 - at,
    })),
    streams: [{ name: "RAYFLOW_LOG", messages: 1234, bytes: 20 << 20, max_bytes: -1, messages_per_second: 99.9 }],
    ...more,
  };
}

const view: TopView = { width: 80, height: 40, color: false, runSort: "age", typeSort: "load", footer: "q quit" };
const plain = (lines: readonly string[]): string[] =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the styles of a terminal
  lines.map((line) => line.replace(/\u001b\[\d+m/g, ""));

describe("the view of top", () => {
  it.each([
    [80, 24],
    [80, 40],
    [40, 12],
    [200, 70],
    [20, 5],
    [1, 1],
  ])("is as large as the terminal: %s x %s", (width, height) => {
    for (const color of [false, true]) {
      const lines = topLines(overviewOf(), {
        ...view,
        width,
        height,
        color,
        problem: "no answer: it is away for long",
      });
      expect(lines).toHaveLength(height);
      for (const line of plain(lines)) expect(stringWidth(line)).toBeLessThanOrEqual(width);
    }
  });

  it("shows runs, rates, types, partitions and streams in 80 columns and 24 lines", () => {
    const text = topLines(overviewOf(), { ...view, height: 24 }).join("\n");
    expect(text).toMatch(/^rayflow top {2}nats:\/\/127\.0\.0\.1:4222 {2}nats-server 2\.14\.0 {2}1 ms +12:34:56\n/);
    expect(text).toContain("\nruns  42 live (29 running, 1 paused, 12 more)\n");
    expect(text).toContain("\n/s    12.3 started  250 succeeded  0 failed  - cancelled\n");
    expect(text).toContain("\n1 orchestrator with 8 of 8 partitions\n");
    for (const heading of ["RUNS by age (", "NODE TYPES by load (", "PARTITIONS (", "STREAMS"]) {
      expect(text).toContain(`\n${heading}`);
    }
    expect(text).toMatch(/\nr0000000000… orders +running +1m40s fetch \(io_http_request\)\n/);
    expect(text).toMatch(/\ntype_39 +2 +39 +1 +7 +1\.0\n/);
    expect(text.endsWith("\nq quit")).toBe(true);
  });

  it("gives the lines that one section leaves to the others", () => {
    const few = overviewOf({ types: [], partitions: overviewOf().partitions.slice(0, 1) });
    const shown = topLines(few, { ...view, height: 50 }).filter((line) => /^r\d{9}/.test(line));
    expect(shown).toHaveLength(30);
    const crowded = topLines(overviewOf(), { ...view, height: 50 }).filter((line) => /^r\d{9}/.test(line));
    expect(crowded.length).toBeLessThan(30);
  });

  it("shows everything where there is no height to keep to", () => {
    const { height: _, footer: __, ...endless } = view;
    const lines = topLines(overviewOf(), endless);
    expect(lines.filter((line) => /^r\d{9}/.test(line))).toHaveLength(30);
    expect(lines.filter((line) => line.startsWith("type_"))).toHaveLength(40);
  });

  it("sorts runs and types as it is told", () => {
    const active = [
      run(1, { flow: "b", status: "waiting" }),
      run(2, { flow: "c" }),
      run(3, { flow: "a", status: "paused" }),
    ];
    const overview = overviewOf({ runs: { ...overviewOf().runs, active } });
    const flows = (runSort: TopView["runSort"]): string[] =>
      topLines(overview, { ...view, runSort }).flatMap((line) => /^r0000000000… (\w)/.exec(line)?.[1] ?? []);
    expect([flows("age"), flows("new"), flows("state"), flows("flow")]).toEqual([
      ["b", "c", "a"],
      ["a", "c", "b"],
      ["a", "c", "b"],
      ["a", "b", "c"],
    ]);
    const first = (typeSort: TopView["typeSort"]): string | undefined =>
      topLines(overview, { ...view, typeSort })
        .find((line) => line.startsWith("type_"))
        ?.slice(0, 7);
    expect([first("load"), first("rate"), first("name")]).toEqual(["type_39", "type_00", "type_00"]);
  });

  it("puts first and marks what is wrong", () => {
    const [one, two, ...rest] = overviewOf().partitions;
    if (!one || !two) throw new Error("no partitions");
    const partitions = [
      one,
      two,
      ...rest.map((each) => ({
        ...each,
        owner: each.partition === 5 ? null : each.owner,
        lag_seconds: each.partition === 6 ? 75 : 0,
      })),
    ];
    const types = [
      { type: "math_add", actors: 0, pulls: 0, pending: 3, in_flight: 0, redelivered: 0, messages_per_second: 0 },
    ];
    const lines = topLines(overviewOf({ partitions, types }), { ...view, color: true });
    const at = lines.findIndex((line) => line.includes("PARTITIONS"));
    expect(plain(lines)[at + 2]).toMatch(/^ +5 nobody /);
    expect(plain(lines)[at + 3]).toMatch(/^ +6 o-1 +0 +1m15s /);
    expect(lines.find((line) => line.includes("math_add"))).toContain("\u001b[31mmath_add");
    expect(plain(lines)).toContain("1 orchestrator with 7 of 8 partitions; 1 node type with work and nobody to do it");
  });

  it("lets no name steer the terminal, and keeps wide letters in their columns", () => {
    const active = [run(1, { flow: "\u001b[2Jevil\u0007" }), run(2, { flow: "注文を処理するフロー" })];
    const lines = topLines(overviewOf({ runs: { ...overviewOf().runs, active } }), view);
    for (const steering of ["\u0007", "\u001b"]) expect(lines.join("")).not.toContain(steering);
    const wide = lines.find((line) => line.includes("注文")) ?? "";
    expect(stringWidth(wide.slice(0, wide.indexOf("running")))).toBe(12 + 1 + 18 + 1);
  });
});

it("writes numbers short", () => {
  expect([rate(null), rate(0), rate(0.25), rate(99.94), rate(1234.5)]).toEqual(["-", "0", "0.3", "99.9", "1235"]);
  expect([span(0.04), span(59.4), span(185), span(7_800), span(450_000)]).toEqual([
    "0.0s",
    "59s",
    "3m05s",
    "2h10m",
    "5d5h",
  ]);
  expect([size(512), size(1536), size(20 << 20)]).toEqual(["512 B", "1.5 KiB", "20.0 MiB"]);
});
