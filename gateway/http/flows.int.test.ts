/** Flows that are kept on the server, through HTTP. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { flowBuilder } from "../../flow/testing.ts";
import { FlowRegistry } from "../../store/index.ts";
import { knownNodeTypes } from "../node-types.ts";
import { withGateway } from "./testing-http.ts";

const gateway = withGateway();
const { call } = gateway;
beforeAll(gateway.start, 60_000);
afterAll(gateway.stop, 60_000);

const flowOf = (name: string, text = "hello") =>
  flowBuilder({ name })
    .node("start", "start")
    .node("say", "string_upper", { constants: { text } })
    .node("ret", "return")
    .chain("start", "say", "ret")
    .data("say.result", "ret.said")
    .build();

describe("flows", () => {
  it("are saved, valid or not, deployed, changed, listed by their state, and deleted", async () => {
    const saved = await call("PUT", "/api/flows/greet", { flow: { nodes: [] } });
    expect(saved).toMatchObject({ status: 200, json: { name: "greet", revision: expect.any(Number), nodes: 0 } });
    const stateOf = async () =>
      ((await call("GET", "/api/flows")).json.flows as { name: string }[]).find(({ name }) => name === "greet");
    expect(await stateOf()).toMatchObject({ status: "draft", revision: saved.json.revision });
    const invalid = await call("POST", "/api/flows/greet/deploy");
    expect(invalid).toMatchObject({ status: 422, json: { code: "InvalidFlow" } });
    expect(invalid.json.errors).toContainEqual(expect.objectContaining({ code: "NO_START" }));

    await call("PUT", "/api/flows/greet", { flow: flowOf("some other name") });
    const deployed = await call("POST", "/api/flows/greet/deploy");
    expect(deployed).toMatchObject({ status: 200, json: { name: "greet", changed: true, warnings: [] } });
    expect(await stateOf()).toMatchObject({ status: "deployed", version: deployed.json.version, nodes: 3 });
    expect((await call("POST", "/api/flows/greet/deploy")).json).toMatchObject({ changed: false });

    await call("PUT", "/api/flows/greet", { flow: flowOf("greet", "bye") });
    expect(await stateOf()).toMatchObject({ status: "changed", version: deployed.json.version });
    const run = async (flowRef: string) => (await call("POST", "/api/flows/execute", { flowRef })).json.result;
    expect(await run("greet")).toEqual({ said: "HELLO" });
    const second = await call("POST", "/api/flows/greet/deploy");
    expect(await run("greet")).toEqual({ said: "BYE" });
    expect(await run(`greet@${deployed.json.version}`)).toEqual({ said: "HELLO" });
    const versions = (await call("GET", "/api/flows/greet/versions")).json.versions;
    expect(versions).toMatchObject([
      { version: second.json.version, current: true },
      { version: deployed.json.version, current: false },
    ]);
    const old = await call("GET", `/api/flows/greet?version=${deployed.json.version}`);
    expect(JSON.stringify(old.json.flow)).toContain("hello");
    await call("POST", "/api/flows/greet/deploy", { version: deployed.json.version });
    expect(await run("greet")).toEqual({ said: "HELLO" });

    expect((await call("DELETE", "/api/flows/greet")).status).toBe(204);
    expect(await stateOf()).toBeUndefined();
    expect((await call("GET", "/api/flows/greet")).status).toBe(404);
    expect((await call("POST", "/api/flows/execute", { flowRef: "greet" })).status).toBe(404);
  });

  it("come back as they were sent, whatever shape they have", async () => {
    const flow = {
      metadata: { name: "x", mine: [1, null] },
      variables: {},
      flow: { nodes: [], edges: [] },
      extra: "é",
    };
    await call("PUT", "/api/flows/verbatim", { flow });
    expect((await call("GET", "/api/flows/verbatim")).json.flow).toEqual(flow);
  });

  it("are not written over by who has not seen the last change", async () => {
    const first = await call("PUT", "/api/flows/shared", { flow: flowOf("shared", "a") }, { "If-None-Match": "*" });
    const tag = first.headers.get("etag") ?? "";
    expect((await call("GET", "/api/flows/shared")).headers.get("etag")).toBe(tag);
    const save = (text: string, headers: Record<string, string>) =>
      call("PUT", "/api/flows/shared", { flow: flowOf("shared", text) }, headers);
    const both = await Promise.all([save("b", { "If-Match": tag }), save("c", { "If-Match": tag })]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 412]);
    expect(both.find(({ status }) => status === 412)?.json).toMatchObject({ code: "RevisionConflict" });
    expect((await save("d", { "If-None-Match": "*" })).status).toBe(412);
    expect((await save("d", { "If-Match": '"0"' })).status).toBe(412);
    expect((await save("d", { "If-Match": "abc" })).status).toBe(400);
    expect((await call("DELETE", "/api/flows/shared", undefined, { "If-Match": tag })).status).toBe(412);
    expect((await call("POST", "/api/flows/shared/deploy", {}, { "If-Match": tag })).status).toBe(412);
    expect((await save("d", {})).status).toBe(200);
    await call("DELETE", "/api/flows/shared");
    expect((await save("e", { "If-Match": '"0"' })).status).toBe(200);
  });

  it("are made anew only where there is none, be it saved or deployed", async () => {
    const create = (text: string) =>
      call("PUT", "/api/flows/mine", { flow: flowOf("mine", text) }, { "If-None-Match": "*" });
    const many = await Promise.all(["a", "b", "c"].map(create));
    expect(many.map(({ status }) => status).sort()).toEqual([200, 412, 412]);
    await call("POST", "/api/flows/mine/deploy");
    await call("DELETE", "/api/flows/mine");
    expect((await create("d")).status).toBe(200);

    // Deployed by somebody who keeps no working copy, as `rayflow deploy` does.
    const nc = await gateway.rig.nats.connect("deploys");
    const registry = await FlowRegistry.open(nc);
    await registry.deploy(flowOf("theirs"), { types: await knownNodeTypes(nc), name: "theirs" });
    const put = (headers: Record<string, string>) =>
      call("PUT", "/api/flows/theirs", { flow: flowOf("theirs", "mine") }, headers);
    expect(await put({ "If-None-Match": "*" })).toMatchObject({ status: 412, json: { code: "RevisionConflict" } });
    const { headers } = await call("GET", "/api/flows/theirs");
    expect((await put({ "If-Match": headers.get("etag") ?? "" })).status).toBe(200);
  });

  it("of thousands of nodes are kept", async () => {
    const nodes = Array.from({ length: 5_000 }, (_, n) => ({
      id: `node-${n}`,
      type: "math_add",
      position: { x: n * 7, y: (n * 13) % 997 },
      data: { label: `Step ${n}`, constantValues: { x: n } },
    }));
    const big = { nodes, edges: [] };
    expect(JSON.stringify(big).length).toBeGreaterThan(500_000);
    expect(await call("PUT", "/api/flows/big", { flow: big })).toMatchObject({ status: 200, json: { nodes: 5_000 } });
    expect((await call("GET", "/api/flows/big")).json.flow).toEqual(big);
  });

  it("are validated without being saved", async () => {
    expect((await call("POST", "/api/flows/validate", flowOf("v"))).json).toEqual({
      valid: true,
      errors: [],
      warnings: [],
    });
    const flow = { nodes: [{ id: "s", type: "strat" }], connections: [] };
    const { json } = await call("POST", "/api/flows/validate", flow);
    expect(json.valid).toBe(false);
    expect(json.errors).toContainEqual(expect.objectContaining({ code: "UNKNOWN_NODE_TYPE", node_id: "s" }));
  });
});
