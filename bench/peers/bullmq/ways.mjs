/** The two ways in which a run becomes jobs. Each run's last job bears the run's id. */
import { chainLength, countTo, fanWidth } from "../workloads.mjs";

/** @typedef {import("bullmq").FlowJob} FlowJob */
/** @typedef {{flow: import("bullmq").FlowProducer, steps: import("bullmq").Queue, ends: import("bullmq").Queue}} Queues */
/** @typedef {(queues: Queues, run: string) => Promise<unknown>} Add */
/** @typedef {Record<import("../workloads.mjs").Workload, Add>} Way */

/** What a completed job leaves behind: nothing, which is BullMQ's fastest. */
const kept = { removeOnComplete: true };

/** @param {string} name @param {FlowJob[]} [children] @returns {FlowJob} */
const stepOf = (name, children) => ({
  name,
  queueName: "steps",
  data: { value: 0 },
  opts: kept,
  ...(children ? { children } : {}),
});

/** @param {string} name @param {string} run @param {FlowJob[]} children @returns {FlowJob} */
const lastOf = (name, run, children) => ({
  name,
  queueName: "ends",
  data: {},
  opts: { jobId: run, ...kept },
  children,
});

/** A run is a tree of jobs with the last one at its root; a job waits for its children. @type {Way} */
const flows = {
  chain: ({ flow }, run) => {
    let job = stepOf("step");
    for (let i = 2; i < chainLength; i++) job = stepOf("afterChild", [job]);
    return flow.add(lastOf("afterChild", run, [job]));
  },
  fanOut: ({ flow }, run) =>
    flow.add(
      lastOf(
        "join",
        run,
        countTo(fanWidth).map(() => stepOf("step")),
      ),
    ),
  single: ({ ends }, run) => ends.add("step", { value: 0 }, { jobId: run, ...kept }),
};

/** Each job adds the next one; see the worker. No engine, no replay. @type {Way} */
const byHand = {
  chain: ({ steps }, run) => steps.add("link", { run, done: 0, value: 0 }, kept),
  fanOut: ({ steps }, run) =>
    steps.addBulk(countTo(fanWidth).map((index) => ({ name: "fan", data: { run, index }, opts: kept }))),
  single: flows.single,
};

/** @type {Record<string, {label: string, add: Way}>} */
export const ways = {
  flows: { label: "flows", add: flows },
  byHand: { label: "jobs chained by hand", add: byHand },
};
