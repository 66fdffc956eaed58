/** A gateway that is asked for more than it can read: it says so, and is itself again as soon as nobody asks. */
import { jetstream } from "@nats-io/jetstream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { flowBuilder } from "../../flow/testing.ts";
import { partitionOf, runIdOf, subjects } from "../../nats/index.ts";
import { eventually } from "../testing-runs.ts";
import { problem } from "./problem.ts";
import { withGateway } from "./testing-http.ts";

const MESSAGES = 2_000;
const RUNS = 8;
const gateway = withGateway();
const { call } = gateway;
let waiting = "";

beforeAll(async () => {
  await gateway.start();
  const waiter = flowBuilder({ name: "waiter" })
    .node("start", "start")
    .node("wait", "control_wait_signal", { config: { signal: "go" } })
    .node("ret", "return")
    .chain("start", "wait", "ret")
    .build();
  const ids = await Promise.all(
    Array.from({ length: RUNS }, async () => {
      const { json } = await call("POST", "/api/flows/execute?wait=false", { flow: waiter });
      return String(json.run_id);
    }),
  );
  waiting = ids[0] ?? "";
  // What lies between the runs in the log has to be read to find what is theirs.
  const js = jetstream(gateway.rig.nats.nc);
  const subject = subjects.result("math_add", partitionOf(waiting, 8));
  await Promise.all(Array.from({ length: MESSAGES }, () => js.publish(subject, `{"v":1,"run":"${waiting}"}`)));
}, 60_000);
afterAll(gateway.stop, 60_000);

/** Asks and goes away. */
async function leave(path: string, afterMs: number): Promise<number> {
  const signal = AbortSignal.timeout(afterMs);
  try {
    const answer = await fetch(gateway.url + path, { signal });
    await answer.text();
    return answer.status;
  } catch {
    return 0;
  }
}

/** How long it takes until one more is answered, ms. */
async function oneMore(): Promise<number> {
  const before = performance.now();
  expect((await call("GET", "/api/runs?limit=20")).json.runs).toHaveLength(RUNS);
  expect((await call("GET", `/api/runs/${waiting}`)).status).toBe(200);
  return performance.now() - before;
}

test("hundreds who ask and leave keep nobody waiting", async () => {
  const paths = [
    "/api/runs",
    `/api/runs/${waiting}`,
    `/api/runs/${waiting}/log`,
    `/api/runs/${waiting}/history`,
    `/api/runs/${waiting.slice(0, 10)}`,
    "/api/admin/status",
  ];
  const asked = Array.from({ length: 300 }, (_, at) =>
    leave(`${paths[at % paths.length]}?limit=${(at % 100) + 1}`, 300),
  );
  const statuses = new Set(await Promise.all(asked));
  // Answered, gone, or told to come back: nothing else.
  expect([...statuses].filter((status) => ![0, 200, 503].includes(status))).toEqual([]);
  expect(await oneMore()).toBeLessThan(6_000);
});

test("who is too many is told so with when to come back; who leaves makes room", async () => {
  const leaving = new AbortController();
  const refused: Response[] = [];
  const asked = Array.from({ length: 200 }, async (_, at) => {
    const answer = await fetch(`${gateway.url}/api/runs?limit=${at + 1}`, { signal: leaving.signal });
    if (answer.status === 503) refused.push(answer);
    else expect(answer.status).toBe(200);
  });
  await eventually(() => expect(refused.length).toBeGreaterThan(20));
  for (const answer of refused.slice(0, 3)) {
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(problem.parse(await answer.json())).toMatchObject({ code: "GatewayBusy", status: 503 });
  }
  leaving.abort();
  await Promise.allSettled(asked);
  expect(await oneMore()).toBeLessThan(6_000);
});

test("a run whose log holds what cannot be is described all the same", async () => {
  const run = runIdOf("busy-poisoned");
  const bad = { v: 1, kind: "submitted_ref", run, inputs: {}, options: {}, blueprint: "%00" };
  await jetstream(gateway.rig.nats.nc).publish(subjects.run(partitionOf(run, 8), run), JSON.stringify(bad));
  const { status } = await call("GET", `/api/runs/${run}`);
  expect(status).toBeLessThan(500);
  expect((await fetch(`${gateway.url}/api/runs/${run}`, { method: "HEAD" })).status).toBeLessThan(500);
});
