import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { loadNodes } from "../actors/index.ts";
import type { NodeType } from "../flow/index.ts";
import { eventually, withServer } from "../nats/testing.ts";
import { FlowRegistry } from "./flow-registry.ts";

const nats = withServer();
let types: Map<string, NodeType>;
let registry: FlowRegistry;

beforeAll(async () => {
  await nats.start();
  types = new Map([...(await loadNodes()).nodes].map(([type, { nodeType }]) => [type, nodeType]));
  registry = await FlowRegistry.open(nats.nc);
});
afterAll(nats.stop);

/** START to RETURN; `answer` makes another content. */
function flow(name: string, answer = 1, more: object = {}) {
  return {
    name,
    nodes: [
      { id: "s", type: "start" },
      { id: "r", type: "return", constants: { answer } },
    ],
    edges: [{ id: "e", source: "s", target: "r", sourceHandle: "exec-out", targetHandle: "exec-in" }],
    ...more,
  };
}

async function deploy(name: string, answer = 1, more: object = {}) {
  return registry.deploy(flow(name, answer, more), { types });
}

describe("deploying", () => {
  test("the same content again changes nothing, in whatever order its keys are", async () => {
    const first = await deploy("same");
    expect(first.changed).toBe(true);
    const { name, nodes, edges } = flow("same");
    const again = await registry.deploy({ edges, nodes, name }, { types });
    expect(again).toMatchObject({ changed: false, deployed: { version: first.deployed.version } });
    expect((await registry.get("same"))?.versions).toHaveLength(1);
  });

  test("another content is another version, and the earlier one stays", async () => {
    const one = await deploy("next", 1, { version: "1.0" });
    const two = await deploy("next", 2, { version: "2.0" });
    expect(two.deployed).toMatchObject({ label: "2.0", previous: one.deployed.version });
    expect((await registry.find("next"))?.version).toBe(two.deployed.version);
    expect((await registry.find("next@1.0"))?.version).toBe(one.deployed.version);
    expect((await registry.find(`next@${one.deployed.version.slice(0, 6)}`))?.version).toBe(one.deployed.version);
    expect((await registry.resolve("next"))?.version).toBe(`2.0@${two.deployed.version.slice(0, 12)}`);
    expect(await registry.find("next@3.0")).toBeUndefined();
    expect(await registry.find("next@abc")).toBeUndefined();
  });

  test("other triggers are another version; a trigger that stays keeps its id and age", async () => {
    const one = await deploy("timed", 1, { triggers: [{ every: "1h" }, { every: "2h" }] });
    const two = await deploy("timed", 1, { triggers: [{ every: "1h", inputs: { x: 1 } }] });
    expect(two.deployed.version).not.toBe(one.deployed.version);
    const [hourly, gone] = one.deployed.triggers;
    expect(two.deployed.triggers).toMatchObject([{ id: hourly?.id, since: hourly?.since }]);
    expect(two.deployed.retired).toMatchObject([{ id: gone?.id }]);
  });

  test("many at once lose no version", async () => {
    await Promise.all(Array.from({ length: 8 }, (_, at) => deploy("busy", at)));
    expect((await registry.get("busy"))?.versions).toHaveLength(8);
  });

  test("an invalid flow is refused with all its errors", async () => {
    const broken = flow("broken", 1, { triggers: [{ cron: "bad" }] });
    broken.nodes.push({ id: "x", type: "no_such_type" });
    const refused = await registry.deploy(broken, { types }).catch((error) => error);
    expect(refused).toMatchObject({ code: "InvalidFlow" });
    const codes = refused.details.errors.map(({ code }: { code: string }) => code);
    expect(codes).toEqual(expect.arrayContaining(["UNKNOWN_NODE_TYPE", "BAD_CONFIG"]));
  });

  test.each(["a.b", "a b", "", "*", "ä", "x".repeat(65)])("the name %j is refused", async (name) => {
    await expect(registry.deploy(flow("ok"), { types, name })).rejects.toMatchObject({ code: "ValidationError" });
  });

  test("two triggers that wait for the same need names", async () => {
    const twice = [{ every: "1h" }, { every: "1h", inputs: { x: 1 } }];
    await expect(deploy("twice", 1, { triggers: twice })).rejects.toThrow(/name/);
    await deploy("twice", 1, { triggers: [twice[0], { ...twice[1], name: "other" }] });
  });
});

describe("going back and deleting", () => {
  test("an earlier version can be activated again, with its triggers", async () => {
    const one = await deploy("back", 1, { triggers: [{ every: "1h" }] });
    const two = await deploy("back", 2);
    const { deployed, changed } = await registry.activate("back", one.deployed.version.slice(0, 8));
    expect(changed).toBe(true);
    expect(deployed).toMatchObject({ version: one.deployed.version, previous: two.deployed.version });
    expect(deployed.triggers).toHaveLength(1);
    expect(deployed.versions).toHaveLength(2);
    await expect(registry.activate("back", "9.9")).rejects.toMatchObject({ code: "FlowNotFound" });
  });

  test("a deleted flow is not found, its versions are, and it can come back", async () => {
    const { deployed } = await deploy("gone", 1, { triggers: [{ every: "1h" }] });
    expect(await registry.delete("gone")).toBe(true);
    expect(await registry.delete("gone")).toBe(false);
    expect(await registry.resolve("gone")).toBeUndefined();
    expect(await registry.resolve(`gone@${deployed.version}`)).toBeDefined();
    expect((await registry.list()).map(({ name }) => name)).not.toContain("gone");
    expect(await registry.get("gone")).toMatchObject({ deleted: true, triggers: [], retired: [{}] });
    const again = await deploy("gone", 1, { triggers: [{ every: "1h" }] });
    expect(again).toMatchObject({ changed: true, deployed: { version: deployed.version } });
    expect(again.deployed.deleted).toBeUndefined();
  });

  test("who asks for a name that is not there is told of a near one", async () => {
    await deploy("invoices");
    expect(await registry.notFound("invoice")).toMatchObject({
      code: "FlowNotFound",
      message: expect.stringContaining('did you mean "invoices"'),
    });
    expect(await registry.delete("never-there")).toBe(false);
  });
});

test("a watch keeps up with deployments, and what it has not seen yet is asked for", async () => {
  const other = await FlowRegistry.open(await nats.connect());
  const seen: string[] = [];
  const watch = await other.watch(({ name, version, deleted }) => seen.push(`${name} ${version} ${deleted ?? false}`));
  onTestFinished(() => watch.stop());
  await watch.ready;
  const { deployed } = await deploy("watched");
  expect((await other.find("watched"))?.version).toBe(deployed.version);
  await eventually(() => seen.includes(`watched ${deployed.version} false`), "the watch sees it");
  await registry.delete("watched");
  await eventually(() => other.deployed.get("watched")?.deleted === true, "the watch sees that it is gone");
  expect(await other.find("watched")).toBeUndefined();
});
