/** Large values and the cache, as node code and the log see them. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isBlobReference } from "../flow/index.ts";
import type { DispatchEntry } from "../nats/index.ts";
import { withServer } from "../nats/testing.ts";
import { BlobStore, ResultCache, resolveValues } from "../store/index.ts";
import { defineNode } from "./define-node.ts";
import type { NodeDefinition } from "./node-definition.ts";
import { performer } from "./perform.ts";
import { any } from "./pins.ts";
import { fakeContext } from "./testing.ts";
import { dispatchEntryOf } from "./testing-dispatch.ts";

const nats = withServer();
beforeAll(nats.start);
afterAll(nats.stop);

let serial = 0;
const fresh = (what: string) => `${what}${++serial}`;
const blobs = () => new BlobStore(nats.nc, { cacheBytes: 0 });

/** A node that counts how often its code runs, and remembers what it was given. */
function counting(run: (value: unknown) => unknown, category = "test") {
  const seen: unknown[] = [];
  const definition = defineNode({
    type: fresh("test_"),
    title: "Counting",
    category,
    inputs: { value: any() },
    outputs: { value: any() },
    run: ({ inputs }) => {
      seen.push(inputs.value);
      return { value: run(inputs.value) };
    },
  });
  return { definition, seen };
}

function perform(definition: NodeDefinition, more: Partial<DispatchEntry>, maxResultBytes = 1_000_000) {
  if (!definition.execute) throw new TypeError("no code");
  const execute = performer({
    blobs: blobs(),
    cache: new ResultCache(nats.nc),
    maxValueBytes: 5_000_000,
    maxResultBytes: () => maxResultBytes,
  });
  return execute(definition.execute, definition.nodeType, dispatchEntryOf(more), fakeContext());
}

const large = (items = 100_000) => Array.from({ length: items }, (_, at) => at);

describe("large values", () => {
  test("leave a node as references, and reach the next one as values", async () => {
    const run = fresh("r");
    const made = await perform(counting(() => large()).definition, { run, inputs: { value: 0 } });
    expect(isBlobReference(made.outputs.value)).toBe(true);
    const next = counting((value) => Object.keys(value as object).length);
    const got = await perform(next.definition, { run, inputs: { value: { inside: [made.outputs.value] } } });
    expect(next.seen).toEqual([{ inside: [large()] }]);
    expect(got.outputs).toEqual({ value: 1 });
  });

  test("an output that the run machine reads stays inline while there is room", async () => {
    const { definition } = counting(() => large());
    const entry = { run: fresh("r"), inputs: { value: 0 }, inline: ["value"] };
    expect((await perform(definition, entry)).outputs.value).toEqual(large());
    expect(isBlobReference((await perform(definition, entry, 300_000)).outputs.value)).toBe(true);
  });

  test("the same execution delivered twice refers to the same blob; one that gives something else spoils nothing", async () => {
    const entry = { run: fresh("r"), inputs: { value: 0 } };
    let turn = 0;
    const { definition } = counting(() => large(100_000 + (turn++ === 2 ? 1 : 0)));
    const [first, again, other] = [
      await perform(definition, entry),
      await perform(definition, entry),
      await perform(definition, entry),
    ];
    expect(again.outputs).toEqual(first.outputs);
    expect(other.outputs).not.toEqual(first.outputs);
    const value = await resolveValues(blobs(), first.outputs, { runs: [entry.run] });
    expect(value).toEqual({ value: large() });
  });

  test("past the limit for one value the node fails with PayloadTooLarge", async () => {
    const { definition } = counting(() => "x".repeat(6_000_000));
    await expect(perform(definition, { inputs: { value: 0 } })).rejects.toMatchObject({ code: "PayloadTooLarge" });
  });

  test("a reference to another run's value stays what it is: data", async () => {
    const secret = await perform(counting(() => large()).definition, { run: fresh("r"), inputs: { value: 0 } });
    const thief = counting((value) => value);
    await perform(thief.definition, { run: fresh("r"), inputs: { value: secret.outputs.value } });
    expect(thief.seen).toEqual([secret.outputs.value]);
  });

  test("runs inside a run share their values, both ways", async () => {
    const [root, child] = [fresh("r"), fresh("r")];
    const above = await perform(counting(() => large()).definition, { run: root, inputs: { value: 0 } });
    const node = counting((value) => [...(value as unknown[]), 1]);
    const made = await perform(node.definition, { run: child, blob_run: root, inputs: { value: above.outputs.value } });
    const back = counting((value) => (value as unknown[]).length);
    await perform(back.definition, { run: root, inputs: { value: made.outputs.value } });
    expect(back.seen).toEqual([[...large(), 1]]);
  });

  test("a value whose run was deleted is not available, and no retry helps", async () => {
    const run = fresh("r");
    const made = await perform(counting(() => large()).definition, { run, inputs: { value: 0 } });
    await blobs().deleteRun(run);
    const reader = counting(() => 0);
    await expect(perform(reader.definition, { run, inputs: { value: made.outputs.value } })).rejects.toMatchObject({
      code: "DataNotAvailable",
      retryable: false,
    });
    expect(reader.seen).toEqual([]);
  });
});

describe("the cache", () => {
  const cache = { ttl_ms: 60_000 };

  test("a hit gives the outputs without running; another input is a miss", async () => {
    const { definition, seen } = counting((value) => [value]);
    expect(await perform(definition, { cache, inputs: { value: 1 } })).toEqual({ outputs: { value: [1] } });
    expect(await perform(definition, { cache, inputs: { value: 1 } })).toMatchObject({
      outputs: { value: [1] },
      cached: true,
    });
    await perform(definition, { cache, inputs: { value: 2 } });
    await perform(definition, { inputs: { value: 1 } });
    expect(seen).toEqual([1, 2, 1]);
  });

  test("a failure is not kept", async () => {
    let turn = 0;
    const { definition, seen } = counting(() => {
      if (turn++ === 0) throw new TypeError("once");
      return 1;
    });
    await expect(perform(definition, { cache, inputs: { value: 1 } })).rejects.toThrow("once");
    await perform(definition, { cache, inputs: { value: 1 } });
    expect(seen).toHaveLength(2);
  });

  test("by a key template the inputs that it names count", async () => {
    const { definition, seen } = counting((value) => value);
    const byId = { ...cache, key: "{id}" };
    await perform(definition, { cache: byId, inputs: { value: 1, id: 7 } });
    await perform(definition, { cache: byId, inputs: { value: 2, id: 7 } });
    expect(seen).toEqual([1]);
    await expect(perform(definition, { cache: byId, inputs: { value: 3 } })).rejects.toMatchObject({
      code: "ValidationError",
    });
  });

  test("a node that reads variables is never cached", async () => {
    const { definition, seen } = counting(() => 1, "variables");
    await perform(definition, { cache, inputs: { value: 1 } });
    await perform(definition, { cache, inputs: { value: 1 } });
    expect(seen).toHaveLength(2);
  });

  test("a large result is computed each time, and travels as a reference", async () => {
    const { definition, seen } = counting(() => large());
    for (const run of [fresh("r"), fresh("r")]) {
      const made = await perform(definition, { run, cache, inputs: { value: 1 } });
      expect(isBlobReference(made.outputs.value)).toBe(true);
    }
    expect(seen).toHaveLength(2);
  });

  test("the same large input under another run's id is a hit", async () => {
    const maker = counting(() => large());
    const { definition, seen } = counting((value) => (value as unknown[]).length);
    for (const run of [fresh("r"), fresh("r")]) {
      const made = await perform(maker.definition, { run, inputs: { value: 1 } });
      await perform(definition, { run, cache, inputs: { value: made.outputs.value } });
    }
    expect(seen).toHaveLength(1);
  });
});
