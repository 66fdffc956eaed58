/** A submission that comes again after the streams have forgotten its id. */
import { jetstream } from "@nats-io/jetstream";
import { createInbox, headers } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadNodes } from "../actors/index.ts";
import { flowBuilder } from "../flow/testing.ts";
import { headerNames, partitionOf, type RunEvent, runIdOf, subjects } from "../nats/index.ts";
import { eventually, withServer } from "../nats/testing.ts";
import { NodeCatalog, RunLog } from "../store/index.ts";
import { type Orchestrator, startOrchestrator } from "./orchestrator.ts";

const nats = withServer({ topology: { submitDuplicateWindowMs: 100, logDuplicateWindowMs: 100 } });
let orchestrator: Orchestrator;
beforeAll(async () => {
  await nats.start();
  const { nodes } = await loadNodes();
  await (await NodeCatalog.open(nats.nc)).register([...nodes.values()].map(({ nodeType }) => nodeType));
  orchestrator = await startOrchestrator({ nc: await nats.connect("orchestrator"), topology: nats.topology });
}, 60_000);
afterAll(async () => {
  await orchestrator?.stop();
  await nats.stop();
});

const flow = flowBuilder().node("start", "start").node("ret", "return").chain("start", "ret").data("start.x", "ret.x");

test("of a run that has ended is answered with its result; the run does not begin again", async () => {
  const { nc, topology } = nats;
  const js = jetstream(nc);
  const log = await RunLog.open(nc, topology.partitions);
  const id = runIdOf("once");
  const head = headers();
  const inbox = createInbox();
  const answers: RunEvent[] = [];
  nc.subscribe(inbox, { callback: (_, message) => void answers.push(message.json<RunEvent>()) });
  head.set(headerNames.reply, inbox);
  const submit = () =>
    js.publish(subjects.submit(), JSON.stringify({ flow: flow.build(), inputs: { x: 1 } }), {
      msgID: "once",
      headers: head,
    });
  const kinds = () => answers.map(({ kind }) => kind);

  await submit();
  await eventually(() => kinds().includes("finished"), "the run has ended");
  await eventually(async () => (await log.history.endSeq(id)) !== undefined, "it is in the history");
  // What the log knew of the run is gone, and so are the ids.
  await log.trim((await log.lastSeq()) + 1);
  answers.length = 0;
  await eventually(async () => !(await submit()).duplicate, "the submissions have forgotten the id");

  await eventually(() => answers.length > 0, "there is an answer");
  expect(kinds()).toEqual(["finished"]);
  expect(answers[0]).toMatchObject({ run_id: id, result: { success: true, result: { x: 1 } } });
  const own = subjects.run(partitionOf(id, topology.partitions), id);
  const jsm = await js.jetstreamManager();
  const { state } = await jsm.streams.info("RAYFLOW_LOG", { subjects_filter: own });
  expect(state.subjects ?? {}).toEqual({});
});
