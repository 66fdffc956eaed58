/** `rayflow.svc.flows.*`, `nodes.list` and `variables.*` as a program in any language meets them. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { flowBuilder } from "../flow/testing.ts";
import { encodeMessage, type MicroService } from "../nats/index.ts";
import { startService } from "./request-reply.ts";
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

const flow = flowBuilder({ name: "any" })
  .node("start", "start")
  .node("ret", "return")
  .chain("start", "ret")
  .data("start.x", "ret.x")
  .build();

async function ask(name: string, request?: unknown): Promise<Record<string, unknown>> {
  const data = request === undefined ? "" : encodeMessage(request);
  return (await rig.nats.nc.request(`rayflow.svc.${name}`, data, { timeout: 10_000 })).json();
}

test("a flow is saved, deployed, run by its name, listed and deleted", async () => {
  const saved = await ask("flows.save", { name: "echo", flow, revision: 0 });
  expect(saved).toMatchObject({ name: "echo", nodes: 2 });
  expect(await ask("flows.save", { name: "echo", flow, revision: 0 })).toMatchObject({
    error: { code: "RevisionConflict" },
  });
  expect((await ask("flows.get", { name: "echo" })).flow).toEqual(flow);
  const deployed = await ask("flows.deploy", { name: "echo", revision: saved.revision });
  expect(await ask("flow.run", { flowRef: "echo", inputs: { x: 1 } })).toMatchObject({ result: { x: 1 } });
  expect(await ask("flows.list")).toMatchObject({ flows: [{ name: "echo", status: "deployed" }] });
  expect(await ask("flows.versions", { name: "echo" })).toMatchObject({ versions: [{ version: deployed.version }] });
  expect(await ask("flows.delete", { name: "echo" })).toEqual({ name: "echo", deleted: true });
  expect(await ask("flows.get", { name: "echo" })).toMatchObject({ error: { code: "FlowNotFound" } });
});

test("variables and node types are read and written", async () => {
  const set = await ask("variables.set", { scope: "flow:echo", name: "n", value: 1 });
  expect(await ask("variables.get", { scope: "flow:echo", name: "n" })).toEqual({
    name: "n",
    value: 1,
    revision: set.revision,
  });
  expect(await ask("variables.set", { scope: "flow:echo", name: "n", value: 2, revision: 0 })).toMatchObject({
    error: { code: "RevisionConflict" },
  });
  expect(await ask("variables.list", { scope: "flow:echo" })).toMatchObject({ variables: [{ name: "n", value: 1 }] });
  expect(await ask("variables.delete", { scope: "flow:echo", name: "n" })).toMatchObject({ deleted: true });
  expect(await ask("variables.get", { scope: "flow:echo", name: "n" })).toMatchObject({
    error: { code: "VariableNotFound" },
  });
  const { nodes } = await ask("nodes.list");
  expect(nodes).toContainEqual(expect.objectContaining({ type: "math_add", builtin: true }));
});

test("what cannot be read is refused, and an answer that fits no message says so", async () => {
  expect(await ask("flows.get", { name: 5 })).toMatchObject({ error: { code: "ValidationError" } });
  expect(await ask("variables.list", { scope: "all" })).toMatchObject({ error: { code: "ValidationError" } });
  const filler = Array.from({ length: 40 }, () => "x".repeat(30_000));
  // Packed it fits, unpacked it does not; over HTTP such a flow can be saved.
  const { FlowLibrary } = await import("./flow-library.ts");
  await (await FlowLibrary.open(rig.nats.nc)).save("long", { nodes: [], filler });
  expect(await ask("flows.get", { name: "long" })).toMatchObject({ error: { code: "PayloadTooLarge" } });
});

test("the service lists its endpoints as nats service info shows them", async () => {
  const info: { endpoints: { name: string; subject: string; queue_group: string }[] } = (
    await rig.nats.nc.request("$SRV.INFO.rayflow")
  ).json();
  const subjects = info.endpoints.map(({ subject }) => subject);
  for (const path of ["flow.run", "flows.list", "flows.deploy", "nodes.list", "variables.set", "runs.step"]) {
    expect(subjects).toContain(`rayflow.svc.${path}`);
  }
});
