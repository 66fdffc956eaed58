import { jetstream } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { NodeType } from "../flow/index.ts";
import { eventually, reconnected, withServer } from "../nats/testing.ts";
import { NodeCatalog } from "./node-catalog.ts";

const nats = withServer();
beforeAll(nats.start);
afterAll(nats.stop);

function nodeTypeOf(type: string, title = type): NodeType {
  return {
    v: 1,
    type,
    kind: "actor",
    version: "1",
    title,
    category: "math",
    description: "",
    pure: true,
    inputs: { a: { type: "float", required: true } },
    outputs: { result: { type: "float" } },
    open_inputs: false,
    outputs_from_api_schema: false,
    exec: { input: true, outputs: { from: "type", pins: ["finish"] }, error: true },
    config: {},
  };
}

test("what was registered is listed, and only changes are written", async () => {
  const catalog = await NodeCatalog.open(nats.nc);
  expect(await catalog.list()).toEqual([]);
  const types = [nodeTypeOf("math_add"), nodeTypeOf("math_mul")];
  expect(await catalog.register(types)).toBe(2);
  expect(await catalog.register(types)).toBe(0);
  expect(await catalog.register([nodeTypeOf("math_add", "Add"), nodeTypeOf("math_mul")])).toBe(1);
  const listed = await catalog.list();
  expect(listed.map(({ title }) => title).sort()).toEqual(["Add", "math_mul"]);
});

test("a watch holds all types once ready and follows what changes, over a restart of the server too", async () => {
  const catalog = await NodeCatalog.open(nats.nc);
  const changes: string[] = [];
  const watch = await catalog.watch((type, now) => changes.push(`${type}:${now?.title ?? "gone"}`));
  onTestFinished(() => watch.stop());
  await watch.ready;
  expect([...catalog.types.keys()].sort()).toEqual(["math_add", "math_mul"]);
  const connection = await nats.connect();
  const other = await NodeCatalog.open(connection);
  await other.register([nodeTypeOf("math_sub")]);
  await eventually(() => catalog.types.has("math_sub"), "the new type is seen");
  await (await new Kvm(jetstream(nats.nc)).open("rayflow_catalog")).delete("math_mul");
  await eventually(() => !catalog.types.has("math_mul"), "the deleted type is gone");
  expect(changes).toContain("math_mul:gone");

  await nats.server.kill();
  await nats.server.restart();
  await Promise.all([reconnected(nats.nc), reconnected(connection)]);
  await other.register([nodeTypeOf("math_div")]);
  await eventually(() => catalog.types.has("math_div"), "the type registered after the restart is seen");
});

test("a watch of an empty catalog is ready too", async () => {
  const empty = withServer();
  await empty.start();
  onTestFinished(empty.stop);
  const watch = await (await NodeCatalog.open(empty.nc)).watch();
  await watch.ready;
  watch.stop();
});

test("an entry that is no node type is ignored and counted", async () => {
  const catalog = await NodeCatalog.open(nats.nc);
  const js = jetstream(nats.nc);
  await js.publish("$KV.rayflow_catalog.bad_json", "{");
  await js.publish("$KV.rayflow_catalog.bad_type", JSON.stringify({ ...nodeTypeOf("other_name") }));
  const names = (await catalog.list()).map(({ type }) => type);
  expect(names).not.toContain("bad_json");
  expect(names).not.toContain("other_name");
  expect(catalog.refusals.total).toBe(2);
});
