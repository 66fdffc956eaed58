/** What can be done to a run: each route is an action of RunControl, and answers with its receipt. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { GatewayParts } from "../gateway-parts.ts";
import type { RunControl } from "../run-control.ts";
import type { Operations } from "./operation.ts";
import { runId } from "./run-routes.ts";

const receipt = z.looseObject({ run_id: z.string(), action: z.string(), seq: z.number().int().optional() });
const reason = z.object({ reason: z.string().max(1_000).optional() });
const nothing = z.object({});
const jsonObject = z.record(z.string(), z.unknown());

interface Action<B extends z.ZodType> {
  readonly name: string;
  readonly summary: string;
  readonly body: B;
  readonly act: (control: RunControl, id: string, body: z.output<B>) => Promise<object>;
}

/** Keeps the body's type beside its schema. */
function action<B extends z.ZodType>(made: Action<B>): (add: Adder) => void {
  return (add) => add(made);
}
type Adder = <B extends z.ZodType>(made: Action<B>) => void;

const actions = [
  action({
    name: "cancel",
    summary: "Ask running node code to stop, then end the run",
    body: reason,
    act: (control, id, body) => control.cancel(id, body.reason),
  }),
  action({
    name: "terminate",
    summary: "End the run at once",
    body: reason,
    act: (control, id, body) => control.terminate(id, body.reason),
  }),
  action({ name: "pause", summary: "Start no more nodes", body: nothing, act: (control, id) => control.pause(id) }),
  action({ name: "resume", summary: "Go on", body: nothing, act: (control, id) => control.resume(id) }),
  action({
    name: "signal",
    summary: "Hand a signal to the run; twice under one id is once",
    body: z.object({
      name: z.string().min(1).max(200),
      payload: z.unknown().optional(),
      id: z.string().min(1).max(200).optional(),
    }),
    act: (control, id, { name, payload, id: signalId }) =>
      control.signal(id, {
        name,
        ...(payload === undefined ? {} : { payload }),
        ...(signalId === undefined ? {} : { id: signalId }),
      }),
  }),
  action({
    name: "retry",
    summary: "Try failed nodes again; of an ended run, in a new run",
    body: z.object({ node: z.string().max(64).optional() }),
    act: (control, id, { node }) => control.retry(id, node === undefined ? {} : { node }),
  }),
  action({
    name: "rerun",
    summary: "A new run with the results that an ended one had before a node",
    body: z.object({ from: z.string().max(64).optional(), inputs: jsonObject.optional() }),
    act: (control, id, { from, inputs }) =>
      control.rerun(id, { ...(from === undefined ? {} : { from }), ...(inputs === undefined ? {} : { inputs }) }),
  }),
  action({
    name: "breakpoints",
    summary: "Hold the run at these nodes, and at no others",
    body: z.object({ nodes: z.array(z.string().max(64)).max(10_000) }),
    act: (control, id, { nodes }) => control.breakpoints(id, nodes),
  }),
  action({
    name: "step",
    summary: "Send what is held, and hold what becomes ready next",
    body: nothing,
    act: (control, id) => control.step(id),
  }),
  action({
    name: "continue",
    summary: "Send what is held; go on to the next breakpoint",
    body: nothing,
    act: (control, id) => control.continue(id),
  }),
];

export function addRunControlRoutes(operations: Operations, { runs, control }: GatewayParts): void {
  const add: Adder = ({ name, summary, body, act }) =>
    operations.add(
      {
        method: "post",
        path: `/api/runs/{id}/${name}`,
        id: `${name}Run`,
        submits: name === "rerun",
        tag: "runs",
        summary,
        params: runId,
        body,
        answers: {
          200: { description: "It is in the run's log", schema: receipt },
          202: { description: "A new run; Location is its address", schema: receipt },
        },
      },
      async (call) =>
        answer(call.c, await act(control, await runs.resolve(call.params.id, call.c.req.raw.signal), call.body)),
    );
  for (const register of actions) register(add);
}

function answer(c: Context, made: object): Response {
  const startsAnother = "action" in made && made.action === "rerun" && "run_id" in made;
  return startsAnother ? c.json(made, 202, { Location: `/api/runs/${String(made.run_id)}` }) : c.json(made);
}
