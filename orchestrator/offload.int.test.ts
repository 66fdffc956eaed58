import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadNodes } from "../actors/index.ts";
import { dispatchEntryOf } from "../actors/testing-dispatch.ts";
import { checkFlow, isBlobReference, type NodeTypes, usedTypes } from "../flow/index.ts";
import { encodeMessage, type SubmittedMessage } from "../nats/index.ts";
import { withServer } from "../nats/testing.ts";
import { BlobStore, offloadValues, resolveValues } from "../store/index.ts";
import { adoptValues, offloadEntry, offloadSubmission } from "./offload.ts";

const nats = withServer();
let types: NodeTypes;
beforeAll(async () => {
  await nats.start();
  types = new Map([...(await loadNodes()).nodes].map(([name, { nodeType }]) => [name, nodeType]));
});
afterAll(nats.stop);

let serial = 0;
const fresh = () => `r${++serial}`;
const blobs = () => new BlobStore(nats.nc, { cacheBytes: 0 });
const kib = (count: number) => "x".repeat(count * 1024);
const LIMIT = 1_000_000;

/** A submission of a flow whose loop runs over the input `items`. */
function submissionOf(run: string, more: Partial<SubmittedMessage> = {}): SubmittedMessage {
  const node = (id: string, type: string, data: unknown = {}) => ({ id, type, position: { x: 0, y: 0 }, data });
  const edge = (source: string, sourceHandle: string, target: string, targetHandle: string) => ({
    id: `${source}${sourceHandle}${target}`,
    source,
    sourceHandle,
    target,
    targetHandle,
  });
  const { flow, errors } = checkFlow(
    {
      nodes: [
        node("start", "start"),
        node("each", "control_for_each"),
        node("next", "control_continue"),
        node("ret", "return"),
      ],
      edges: [
        edge("start", "exec-out", "each", "exec-in"),
        edge("each", "exec-body", "next", "exec-in"),
        edge("each", "exec-completed", "ret", "exec-in"),
        edge("start", "output-items", "each", "input-list"),
        edge("start", "output-text", "ret", "input-text"),
      ],
    },
    types,
  );
  if (!flow) throw new TypeError(JSON.stringify(errors));
  const own = { v: 1, kind: "submitted", run, flow, types: usedTypes(flow, types), inputs: {}, options: {} } as const;
  return { ...own, ...more };
}

describe("a submission", () => {
  test("with small inputs is left alone", async () => {
    const message = submissionOf(fresh(), { inputs: { text: kib(1) } });
    expect(await offloadSubmission(blobs(), message, LIMIT)).toBe(message);
  });

  test("gives its large inputs away, but not what a loop reads, as long as that fits", async () => {
    const run = fresh();
    const inputs = { text: kib(300), items: [kib(300)] };
    const { inputs: sent } = await offloadSubmission(blobs(), submissionOf(run, { inputs }), LIMIT);
    expect(isBlobReference(sent.text)).toBe(true);
    expect(sent.items).toEqual(inputs.items);
    const tight = await offloadSubmission(blobs(), submissionOf(run, { inputs }), 200_000);
    expect(isBlobReference(tight.inputs.items)).toBe(true);
    expect(encodeMessage(tight).length).toBeLessThan(200_000);
    expect(await resolveValues(blobs(), tight.inputs, { runs: [run] })).toEqual(inputs);
  });

  test("of a run inside a run puts them under the outermost one", async () => {
    const [run, root] = [fresh(), fresh()];
    const parent = { run: root, execution: "e", depth: 1, root };
    const sent = await offloadSubmission(blobs(), submissionOf(run, { parent, inputs: { text: kib(300) } }), LIMIT);
    expect(await resolveValues(blobs(), sent.inputs, { runs: [root] })).toEqual({ text: kib(300) });
  });

  test("that takes over another run's results gets copies, which outlive that run", async () => {
    const [old, run] = [fresh(), fresh()];
    const outputs = { text: kib(300), list: [kib(2)] };
    const before = { ...(await offloadValues(blobs(), outputs, { run: old, what: "output" })) };
    const reuse = { run: old, results: { a: { pins: ["finish"], outputs: { ...before, all: [[before.text]] } } } };
    const sent = await offloadSubmission(blobs(), submissionOf(run, { reuse }), LIMIT);
    await blobs().deleteRun(old);
    const value = await resolveValues(blobs(), sent.reuse?.results.a?.outputs, { runs: [run] });
    expect(value).toEqual({ ...outputs, all: [[outputs.text]] });
  });

  test("that takes over more than a message holds gives the larger results away", async () => {
    const run = fresh();
    const results = Object.fromEntries(
      Array.from({ length: 10 }, (_, at) => [`n${at}`, { pins: ["finish"], outputs: { text: kib(200), at } }]),
    );
    const sent = await offloadSubmission(blobs(), submissionOf(run, { reuse: { run: fresh(), results } }), LIMIT);
    expect(encodeMessage(sent).length).toBeLessThan(LIMIT);
    expect(await resolveValues(blobs(), sent.reuse?.results, { runs: [run] })).toEqual(results);
  });
});

test("an entry gives its largest inputs away until it fits, and reads the same", async () => {
  const run = fresh();
  const inputs = { a: kib(250), b: kib(251), c: kib(252), d: kib(253), e: 1 };
  const small = await offloadEntry(blobs(), dispatchEntryOf({ run, inputs }), LIMIT);
  expect(encodeMessage(small).length).toBeLessThan(LIMIT);
  expect(Object.keys(inputs).filter((pin) => isBlobReference(small.inputs[pin]))).toEqual(["d"]);
  expect(await resolveValues(blobs(), small.inputs, { runs: [run] })).toEqual(inputs);
});

test("an entry that is too large for other reasons than its inputs is refused", async () => {
  const entry = dispatchEntryOf({ config: { text: kib(1000) }, inputs: { a: 1 } });
  await expect(offloadEntry(blobs(), entry, LIMIT)).rejects.toMatchObject({ code: "PayloadTooLarge" });
});

test("adopting copies blobs inside blobs too", async () => {
  const [old, run] = [fresh(), fresh()];
  const inner = await offloadValues(blobs(), { text: kib(300) }, { run: old, what: "inner" });
  const outer = await offloadValues(blobs(), { list: [inner.text, kib(300)] }, { run: old, what: "outer" });
  const adopted = await adoptValues(blobs(), outer, [old], run);
  await blobs().deleteRun(old);
  expect(await resolveValues(blobs(), adopted, { runs: [run] })).toEqual({ list: [kib(300), kib(300)] });
});
