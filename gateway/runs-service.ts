/**
 * `rayflow.svc.runs.*`: what `rayflow runs` does, for programs. Each request is a JSON object; `run` is a run's id, or the
 * beginning of one.
 */
import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { RayflowError } from "../flow/index.ts";
import { decodeMessage, type MicroEndpoint, subjects } from "../nats/index.ts";
import { RunControl } from "./run-control.ts";
import { RunDirectory } from "./run-directory.ts";
import { readHistoryPage } from "./run-history-page.ts";
import { runStanding } from "./run-views.ts";

const MAX_LIST = 1_000;
const MAX_STEPS = 1_000;
const DEFAULT_STEPS = 100;
/** An answer is one message: rows are left off before it grows past this, bytes. */
const MAX_ANSWER_BYTES = 512 * 1024;

const ofRun = z.strictObject({ run: z.string() });
const withReason = ofRun.extend({ reason: z.string().max(1_000).optional() });

const requests = {
  list: z.strictObject({
    limit: z.number().int().min(1).max(MAX_LIST).optional(),
    status: runStanding.optional(),
    flow: z.string().optional(),
    /** ISO 8601: leaves out what ended before. */
    since: z.iso.datetime({ offset: true }).optional(),
  }),
  /** `at`: a sequence of the log; `event`: the n-th event of the run. */
  get: ofRun.extend({
    at: z.number().int().positive().optional(),
    event: z.number().int().positive().optional(),
  }),
  history: ofRun.extend({
    /** The number of the last event that is known. */
    after: z.number().int().nonnegative().default(0),
    limit: z.number().int().min(1).max(MAX_STEPS).default(DEFAULT_STEPS),
    values: z.boolean().default(false),
  }),
  signal: ofRun.extend({
    name: z.string().min(1),
    payload: z.unknown(),
    id: z.string().min(1).max(200).optional(),
  }),
  cancel: withReason,
  terminate: withReason,
  pause: ofRun,
  resume: ofRun,
  breakpoints: ofRun.extend({ nodes: z.array(z.string()).max(10_000) }),
  step: ofRun,
  continue: ofRun,
  retry: ofRun.extend({ node: z.string().optional() }),
  rerun: ofRun.extend({
    from: z.string().optional(),
    inputs: z.record(z.string(), z.unknown()).optional(),
  }),
};
type Requests = { readonly [K in keyof typeof requests]: z.infer<(typeof requests)[K]> };
type Handlers = { readonly [K in keyof Requests]: (request: Requests[K], at: Parts) => Promise<unknown> };

interface Parts {
  readonly directory: RunDirectory;
  readonly control: RunControl;
}

const descriptions: Readonly<Record<keyof Requests, string>> = {
  list: "{limit?, status?, flow?, since?}: runs, live ones first",
  get: "{run, at?, event?}: where a run stands, or stood after an event",
  history: "{run, after?, limit?, values?}: events of a run, and where to go on",
  signal: "{run, name, payload?, id?}: hands a signal to a run; twice under one id is once",
  cancel: "{run, reason?}: stops running node code, then ends the run",
  terminate: "{run, reason?}: ends the run at once",
  pause: "{run}: no node starts until resume",
  resume: "{run}: goes on with a paused run",
  breakpoints: "{run, nodes}: holds the run at these nodes, and at no others, from now on",
  step: "{run}: sends what is held, and holds whatever becomes ready next",
  continue: "{run}: sends what is held; the run goes on to the next breakpoint",
  retry: "{run, node?}: tries failed nodes again; of an ended run, in a new run",
  rerun: "{run, from?, inputs?}: a new run with the results that an ended one had before a node",
};

const handlers: Handlers = {
  list: async ({ limit, status, flow, since }, { directory }) => {
    const query = { limit, status, flow, sinceMs: since === undefined ? undefined : Date.parse(since) };
    return { runs: await directory.list(withoutUndefined(query)) };
  },
  get: async ({ run, at, event }, { directory }) => {
    if (at !== undefined && event !== undefined)
      throw new RayflowError("ValidationError", "give at or event, not both");
    return directory.describe(run, at !== undefined ? { seq: at } : event !== undefined ? { event } : undefined);
  },
  history: ({ run, ...page }, { directory }) =>
    readHistoryPage(directory, run, { ...page, maxBytes: MAX_ANSWER_BYTES }),
  signal: ({ run, ...signal }, { control }) => control.signal(run, withoutUndefined(signal)),
  cancel: ({ run, reason }, { control }) => control.cancel(run, reason),
  terminate: ({ run, reason }, { control }) => control.terminate(run, reason),
  pause: ({ run }, { control }) => control.pause(run),
  resume: ({ run }, { control }) => control.resume(run),
  breakpoints: ({ run, nodes }, { control }) => control.breakpoints(run, nodes),
  step: ({ run }, { control }) => control.step(run),
  continue: ({ run }, { control }) => control.continue(run),
  retry: ({ run, node }, { control }) => control.retry(run, withoutUndefined({ node })),
  rerun: ({ run, ...request }, { control }) => control.rerun(run, withoutUndefined(request)),
};

/** The endpoints for `startMicroService`. */
export function runsEndpoints(nc: NatsConnection): MicroEndpoint[] {
  let opening: Promise<RunDirectory> | undefined;
  const open = (): Promise<RunDirectory> => {
    opening ??= RunDirectory.open(nc).catch((error) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
  const endpoint = <K extends keyof Requests>(name: K): MicroEndpoint => ({
    name: `runs-${name}`,
    subject: subjects.service("runs", name),
    metadata: { description: descriptions[name] },
    handler: async ({ data }) => {
      const decoded = decodeMessage(requests[name], data.length === 0 ? EMPTY : data);
      if (!decoded.ok) throw new RayflowError("ValidationError", `the request cannot be read: ${decoded.reason}`);
      const request = decoded.value as Requests[K];
      const directory = await open();
      if ("run" in request) request.run = await directory.resolve(request.run);
      return handlers[name](request, { directory, control: new RunControl(nc, directory) });
    },
  });
  return (Object.keys(requests) as (keyof Requests)[]).map((name) => endpoint(name));
}

/** `nats request rayflow.svc.runs.list ''` is a request too. */
const EMPTY = new TextEncoder().encode("{}");

function withoutUndefined<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
