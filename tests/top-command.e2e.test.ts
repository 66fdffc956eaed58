/** `rayflow top`: on a pseudo terminal as a person has it, and once as a script asks for it. */
import path from "node:path";
import { type IPty, spawn } from "@lydell/node-pty";
import { afterAll, beforeAll, expect, it } from "vitest";
import { flowBuilder } from "../flow/testing.ts";
import type { Overview } from "../gateway/index.ts";
import { rayflow, root, startDev, startRayflow } from "./rayflow-process.ts";

let dev: Awaited<ReturnType<typeof startDev>>;
beforeAll(async () => {
  dev = await startDev();
});
afterAll(() => dev.stop());

const waits = flowBuilder({ name: "approvals" })
  .node("start", "start")
  .node("approve", "control_wait_signal", { config: { signal: "approved" } })
  .node("ret", "return")
  .chain("start", "approve", "ret")
  .build();
const fails = flowBuilder({ name: "failing" })
  .node("start", "start")
  .node("fail", "control_fail", { constants: { message: "no" } })
  .node("ret", "return")
  .chain("start", "fail", "ret")
  .build();

const submit = async (flow: unknown, ...args: string[]): Promise<string> =>
  (await rayflow(["run", "-", ...args, "--server", dev.url], { input: JSON.stringify(flow) })).stdout.trim();

it("prints once what runs, who does it and what lies where, as JSON and as text", async () => {
  const run = await submit(waits, "--detach");
  const asked = rayflow(["top", "--once", "-o", "json", "--interval", "60", "--server", dev.url]);
  const { code, stdout, stderr } = await asked;
  expect([code, stderr]).toEqual([0, ""]);
  const overview: Overview = JSON.parse(stdout);
  expect(Math.abs(Date.parse(overview.at) - Date.now())).toBeLessThan(60_000);
  expect(overview.runs).toMatchObject({ live: 1, by_state: { waiting: 1 }, looked_at: 1, failed_per_second: 0 });
  expect(overview.runs.active).toMatchObject([
    { run_id: run, flow: "approvals", status: "waiting", waits_for: [{ kind: "signal", signal: "approved" }] },
  ]);
  expect(overview.orchestrators).toMatchObject([{ partitions: 8, active_runs: 1 }]);
  const [orchestrator] = overview.orchestrators;
  expect(overview.partitions.map(({ partition, owner, lag_messages }) => [partition, owner, lag_messages])).toEqual(
    Array.from({ length: 8 }, (_, partition) => [partition, orchestrator?.id, 0]),
  );
  expect(overview.types.find(({ type }) => type === "math_add")).toMatchObject({ actors: 1, pending: 0, in_flight: 0 });
  expect(overview.types.find(({ type }) => type === "math_add")?.pulls).toBeGreaterThan(0);
  expect(overview.streams.map(({ name }) => name)).toContain("RAYFLOW_HISTORY");

  const text = await rayflow(["top", "--server", dev.url]);
  expect([text.code, text.stderr]).toEqual([0, ""]);
  expect(text.stdout).toMatch(new RegExp(`\\n${run.slice(0, 11)}… approvals +waiting .*approve: signal approved\\n`));
  expect(text.stdout).toMatch(/\nmath_add +1 /);
});

it("counts what begins and ends, look by look", async () => {
  const top = startRayflow(["top", "-o", "jsonl", "--interval", "0.3", "--server", dev.url]);
  /** What the rates come to over all looks. */
  const counted = (): Record<string, number> => {
    const looks: Overview[] = top.stdout
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
    const sums = { started: 0, failed: 0, succeeded: 0 };
    for (const [at, look] of looks.entries()) {
      const before = looks[at - 1];
      if (!before) continue;
      const seconds = (Date.parse(look.at) - Date.parse(before.at)) / 1000;
      sums.started += (look.runs.started_per_second ?? 0) * seconds;
      sums.failed += (look.runs.failed_per_second ?? 0) * seconds;
      sums.succeeded += (look.runs.succeeded_per_second ?? 0) * seconds;
    }
    return {
      started: Math.round(sums.started),
      failed: Math.round(sums.failed),
      succeeded: Math.round(sums.succeeded),
    };
  };
  try {
    await top.until(/"streams"/);
    await Promise.all([submit(fails), submit(fails), submit(waits, "--detach")]);
    await expect.poll(counted).toEqual({ started: 3, failed: 2, succeeded: 0 });
  } finally {
    top.child.kill("SIGINT");
  }
  expect((await top.ended).code).toBe(130);
});

/** A person's terminal. */
function openTerminal(...args: string[]) {
  const { NO_COLOR: _, NATS_URL: __, ...env } = process.env;
  const command = [path.join(root, "dist", "cli", "main.js"), ...args, "--server", dev.url];
  const terminal: IPty = spawn(process.execPath, command, {
    name: "xterm-256color",
    cols: 80,
    rows: 24,
    cwd: root,
    env: { ...env, TERM: "xterm-256color" },
  });
  let written = "";
  terminal.onData((text) => {
    written += text;
  });
  const ended = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)));
  return {
    terminal,
    ended,
    get written() {
      return written;
    },
    forget: () => {
      written = "";
    },
  };
}

it("takes the terminal, redraws what changes, obeys keys and sizes, and gives the terminal back", async () => {
  const run = await submit(waits, "--detach");
  const person = openTerminal("top", "--interval", "0.3", "--sort", "new");
  const { terminal } = person;
  try {
    await expect.poll(() => person.written).toContain(run.slice(0, 11));
    expect(person.written.startsWith("\u001b[?1049h\u001b[?25l")).toBe(true);
    expect(person.written).toContain("RUNS by new");
    // The next looks change some lines: no screen is cleared, no heading written anew.
    person.forget();
    await expect.poll(() => person.written.split("\u001b[?2026h").length).toBeGreaterThan(2);
    expect(person.written).not.toContain("\u001b[2J");
    expect(person.written).not.toContain("STREAMS");
    person.forget();
    terminal.write("r");
    await expect.poll(() => person.written).toContain("RUNS by state");
    person.forget();
    terminal.resize(100, 40);
    await expect.poll(() => person.written).toContain("\u001b[40;1H\u001b[2mq quit");
    expect(person.written).toContain("\u001b[2J");
    terminal.write("q");
    expect(await person.ended).toBe(0);
    expect(person.written.endsWith("\u001b[?25h\u001b[?1049l")).toBe(true);
  } finally {
    terminal.kill("SIGKILL");
  }
  const other = openTerminal("top");
  await expect.poll(() => other.written).toContain("RUNS by age");
  other.terminal.write("\u0003");
  expect(await other.ended).toBe(130);
  expect(other.written.endsWith("\u001b[?25h\u001b[?1049l")).toBe(true);
});
