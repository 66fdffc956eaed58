/** `rayflow runs`: what it prints where, and what it exits with. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { rayflow, startDev, startRayflow, temporaryFolder } from "./rayflow-process.ts";

const scratch = temporaryFolder();
const file = path.join(scratch.path, "approval.json");
let dev: Awaited<ReturnType<typeof startDev>>;
beforeAll(async () => {
  writeFileSync(
    file,
    JSON.stringify({
      name: "approval",
      error_strategy: "pause",
      nodes: [
        { id: "start", type: "start", config: { api_schema: { amount: { type: "float" } } } },
        { id: "approve", type: "control_wait_signal", config: { signal: "approve" } },
        { id: "guard", type: "control_fail", config: {}, constants: { message: "the bank is away", code: "BankAway" } },
        { id: "return", type: "return" },
      ],
      edges: [
        { id: "e1", source: "start", target: "approve", sourceHandle: "exec-out", targetHandle: "exec-in" },
        { id: "e2", source: "approve", target: "guard", sourceHandle: "exec-finish", targetHandle: "exec-in" },
        { id: "e3", source: "guard", target: "return", sourceHandle: "exec-out", targetHandle: "exec-in" },
      ],
    }),
  );
  dev = await startDev();
});
afterAll(async () => {
  await dev.stop();
  scratch.remove();
});

const runs = (...args: string[]) => rayflow(["runs", ...args, "--server", dev.url], { cwd: scratch.path });
const json = async (...args: string[]) => JSON.parse((await runs(...args, "--json")).stdout);

it("follows a run from submission to its end", async () => {
  const submitted = await rayflow(["run", file, "--detach", "--input", '{"amount": 12}', "--server", dev.url]);
  const run = submitted.stdout.trim();
  const watch = startRayflow(["runs", "watch", run, "--server", dev.url], { cwd: scratch.path });
  await watch.until(/approve .* waiting/);
  expect(await json("list", "--status", "waiting")).toMatchObject([{ run_id: run, flow: "approval" }]);
  expect((await runs("describe", run.slice(0, 8))).stdout).toContain("waits for  signal approve at approve");
  const early = await runs("result", run);
  expect([early.code, early.stdout]).toEqual([4, ""]);

  expect(await json("signal", run, "approve", "--payload", '{"by": "Ada"}', "--id", "a")).toMatchObject({ id: "a" });
  await watch.until(/guard .* failed/);
  const report = (await runs("describe", run)).stdout;
  expect(report).toMatch(/✖ guard \(control_fail\) failed; the run waits because of it/);
  expect(report).toMatch(/attempt 1 .* BankAway: the bank is away/);
  expect(report).toContain(`rayflow runs retry ${run} --node guard`);
  expect(await json("describe", run, "--at", "#1")).toMatchObject({ status: "waiting", at: { event: 1 } });

  expect((await runs("cancel", run, "--reason", "bank holiday")).code).toBe(0);
  const { code, stdout } = await watch.ended;
  expect(code).toBe(1);
  expect(stdout).toMatch(/● signal approve \{"by":"Ada"\}[\s\S]*✖ cancelled in .* RunCancelled: bank holiday/);
  const result = await runs("result", run);
  expect([result.code, JSON.parse(result.stdout).status]).toEqual([1, "cancelled"]);

  const again = (await json("rerun", run, "--from", "approve")).run_id as string;
  expect(again).not.toBe(run);
  expect((await json("history", again))[0]).toMatchObject({ event: 1, kind: "submitted" });
  expect((await runs("terminate", again)).code).toBe(0);
  const ended = await runs("result", again, "--timeout", "20", "--json");
  expect(JSON.parse(ended.stdout)).toMatchObject({ status: "cancelled" });
});

it("says what cannot be done, and exits accordingly", async () => {
  const cases: [args: string[], code: number, error: string][] = [
    [["describe", "rnobodyatall"], 1, "RunNotFound"],
    [["describe", "r1"], 2, "UsageError"],
    [["describe", "rnobodyatall", "--at", "x"], 2, "UsageError"],
    [["list", "--status", "asleep"], 2, "UsageError"],
    [["list", "--since", "yesterday"], 2, "UsageError"],
    [["signal", "rnobodyatall", "go", "--payload", "{"], 2, "UsageError"],
    [["rerun", "rnobodyatall"], 2, "UsageError"],
  ];
  for (const [args, code, error] of cases) {
    const outcome = await runs(...args, "--json");
    expect([args, outcome.code, JSON.parse(outcome.stdout).error.code]).toEqual([args, code, error]);
  }
});
