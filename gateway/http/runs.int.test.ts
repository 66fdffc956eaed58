/** Runs, through HTTP: listed, debugged, controlled. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { flowBuilder } from "../../flow/testing.ts";
import { runDescription, runStep, runSummary } from "../run-views.ts";
import { eventually } from "../testing-runs.ts";
import { withGateway } from "./testing-http.ts";

const gateway = withGateway();
const { call } = gateway;
beforeAll(gateway.start, 60_000);
afterAll(gateway.stop, 60_000);

const paged = flowBuilder({ name: "paged" })
  .node("start", "start")
  .node("say", "string_upper", { constants: { text: "hello" } })
  .node("ret", "return")
  .chain("start", "say", "ret")
  .data("say.result", "ret.said")
  .build();
const held = flowBuilder({ name: "held" })
  .node("start", "start")
  .node("one", "math_abs")
  .node("two", "math_abs")
  .node("ret", "return")
  .chain("start", "one", "two", "ret")
  .data("start.x", "one.x")
  .data("one.result", "two.x")
  .data("two.result", "ret.x")
  .build();

describe("runs", () => {
  it("are listed page by page, each once, by status, flow and time", async () => {
    const ids: string[] = [];
    const before = new Date().toISOString();
    for (let n = 0; n < 5; n++) {
      ids.unshift(String((await call("POST", "/api/flows/execute", { flow: paged })).json.run_id));
    }
    const list = async (query: string) => {
      const { json } = await call("GET", `/api/runs?flow=paged&${query}`);
      return json as { runs: { run_id: string }[]; cursor: string | null };
    };
    await eventually(async () =>
      expect((await gateway.rig.directory.log.listHistory({ flow: "paged" })).length).toBe(5),
    );
    const found: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page = await list(`limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`);
      found.push(...page.runs.map((run) => runSummary.parse(run).run_id));
      cursor = page.cursor;
    }
    expect(found).toEqual(ids);
    expect((await list("status=failed")).runs).toEqual([]);
    expect((await list("status=succeeded")).runs).toHaveLength(5);
    expect((await list(`since=${before}`)).runs).toHaveLength(5);
    expect((await list(`until=${before}`)).runs).toEqual([]);
    expect((await list(`since=${new Date(Date.now() + 60_000).toISOString()}`)).runs).toEqual([]);
  });

  it("are held at breakpoints, stepped, and go on", async () => {
    const options = { breakpoints: ["one"] };
    const { json } = await call("POST", "/api/flows/execute?wait=false", { flow: held, inputs: { x: -4 }, options });
    const run = `/api/runs/${json.run_id}`;
    const heldAt = (node: string) =>
      eventually(async () => {
        const found = runDescription.parse((await call("GET", run)).json);
        expect(found).toMatchObject({ status: "paused", held: [{ node }] });
        return found;
      });
    expect((await heldAt("one")).held[0]?.inputs).toEqual({ x: -4 });
    expect((await call("POST", `${run}/step`)).json).toMatchObject({ action: "step", seq: expect.any(Number) });
    expect((await heldAt("two")).held[0]?.inputs).toEqual({ x: 4 });
    expect((await call("POST", `${run}/breakpoints`, { nodes: ["nobody"] })).json.code).toBe("InvalidBreakpoint");
    expect((await call("POST", `${run}/breakpoints`, { nodes: [] })).json).toMatchObject({ nodes: [] });
    await call("POST", `${run}/continue`);
    expect((await call("GET", `${run}/result?wait=20`)).json).toMatchObject({ success: true, result: { x: 4 } });
    expect(await call("POST", `${run}/continue`)).toMatchObject({ status: 409, json: { code: "RunEnded" } });
  });

  it("are paused, resumed, cancelled, retried and run again", async () => {
    const fragile = flowBuilder({ name: "fragile" })
      .node("start", "start")
      .node("break", "test_fragile", { constants: { key: "http" } })
      .node("ret", "return")
      .chain("start", "break", "ret")
      .data("break.value", "ret.value")
      .build();
    const failed = await call("POST", "/api/flows/execute", { flow: fragile });
    expect(failed).toMatchObject({
      status: 200,
      json: { success: false, error: { code: "Broken", node_id: "break" } },
    });
    gateway.rig.mend("http");
    const retried = await call("POST", `/api/runs/${failed.json.run_id}/retry`, {});
    expect(retried).toMatchObject({ status: 202, json: { rerun_of: failed.json.run_id } });
    const again = retried.headers.get("location") ?? "";
    expect((await call("GET", `${again}/result?wait=20`)).json).toMatchObject({ result: { value: "http" } });
    const rerun = await call("POST", `/api/runs/${failed.json.run_id}/rerun`, {
      from: "break",
      inputs: { key: "http" },
    });
    expect(rerun.status).toBe(202);

    const hang = flowBuilder({ name: "hangs" })
      .node("start", "start")
      .node("hang", "test_hang")
      .node("ret", "return")
      .chain("start", "hang", "ret")
      .build();
    const hanging = String((await call("POST", "/api/flows/execute?wait=false", { flow: hang })).json.run_id);
    expect((await call("POST", `/api/runs/${hanging}/pause`)).status).toBe(200);
    await gateway.rig.standing(hanging, "paused");
    expect((await call("POST", `/api/runs/${hanging}/resume`, {})).status).toBe(200);
    await gateway.rig.standing(hanging, "running");
    expect((await call("GET", `/api/runs/${hanging}/result`)).status).toBe(202);
    expect((await call("POST", `/api/runs/${hanging}/cancel`, { reason: "enough" })).status).toBe(200);
    expect((await call("GET", `/api/runs/${hanging}/result?wait=20`)).json).toMatchObject({ status: "cancelled" });
    const { events, next } = (await call("GET", `/api/runs/${hanging}/history?values=true`)).json;
    expect((events as unknown[]).map((step) => runStep.parse(step).kind)).toContain("control");
    expect(next).toBeNull();
    expect((await call("GET", `/api/runs/${hanging}?event=1`)).json).toMatchObject({ at: { event: 1 } });
  });
});
