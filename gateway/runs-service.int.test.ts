/** `rayflow.svc.runs.*` as a program in any language meets it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { flowBuilder } from "../flow/testing.ts";
import { encodeMessage, type MicroService } from "../nats/index.ts";
import { startService } from "./request-reply.ts";
import { runDescription, runStep, runSummary } from "./run-views.ts";
import { withRuns } from "./testing-runs.ts";

const rig = withRuns();
let service: MicroService;
beforeAll(async () => {
  await rig.start();
  await rig.orchestrate();
  service = await startService(await rig.nats.connect("service"), { version: "1.0.0" });
}, 60_000);
afterAll(async () => {
  await service?.stop();
  await rig.stop();
});

const flow = flowBuilder({ name: "asked" })
  .node("start", "start")
  .node("wait", "control_wait_signal", { config: { signal: "go" } })
  .node("ret", "return")
  .chain("start", "wait", "ret")
  .data("wait.payload", "ret.payload")
  .build();

async function ask(name: string, request: unknown): Promise<Record<string, unknown>> {
  const answer = await rig.nats.nc.request(`rayflow.svc.runs.${name}`, encodeMessage(request), { timeout: 10_000 });
  return answer.json();
}

test("a run is found, described, signalled, and read event by event", async () => {
  const run = await rig.submit(flow);
  await rig.standing(run, "waiting");
  const { runs } = (await ask("list", { flow: "asked", status: "waiting" })) as { runs: unknown[] };
  expect(runs.map((one) => runSummary.parse(one).run_id)).toEqual([run]);
  expect(runDescription.parse(await ask("get", { run: run.slice(0, 10) }))).toMatchObject({ run_id: run });
  expect(await ask("pause", { run })).toMatchObject({ run_id: run, action: "pause" });
  await rig.standing(run, "paused");
  expect(await ask("resume", { run })).toMatchObject({ action: "resume" });
  expect(await ask("signal", { run, name: "go", payload: { n: 1 }, id: "s" })).toMatchObject({
    action: "signal",
    id: "s",
  });
  expect(await rig.ended(run)).toMatchObject({ result: { payload: { n: 1 } } });
  const first = (await ask("history", { run, limit: 2 })) as { events: unknown[]; next: number };
  const rest = (await ask("history", { run, after: first.next })) as { events: unknown[]; next: null };
  const kinds = [...first.events, ...rest.events].map((step) => runStep.parse(step).kind);
  expect(kinds).toEqual(["submitted", "control", "control", "signal", "finished"]);
  expect(rest.next).toBeNull();
  expect(await ask("get", { run, event: 1 })).toMatchObject({ status: "waiting" });
});

test("what cannot be done is an error with its code", async () => {
  const done = await rig.submit(flow);
  await rig.standing(done, "waiting");
  await ask("terminate", { run: done, reason: "no more" });
  await rig.ended(done);
  const codeOf = async (name: string, request: unknown) => ((await ask(name, request)).error as { code: string }).code;
  expect(await codeOf("cancel", { run: done })).toBe("RunEnded");
  expect(await codeOf("get", { run: "rnobodyatall" })).toBe("RunNotFound");
  expect(await codeOf("get", { run: done, at: 1, event: 1 })).toBe("ValidationError");
  expect(await codeOf("signal", { run: done })).toBe("ValidationError");
  expect(await codeOf("list", { limit: 0 })).toBe("ValidationError");
  expect(await codeOf("pause", { run: done, force: true })).toBe("ValidationError");
});
