/**
 * The process that runs Restate's handlers, and with them the steps. Two ways: each step a `ctx.run` inside the handler
 * of the run, or a call to a service of its own.
 */
import http2 from "node:http2";
import * as restate from "@restatedev/restate-sdk";
import { chainLength, countTo, fanWidth, step } from "../workloads.mjs";

// The SDK counts on this; Node 20 lacks it.
/** @type {any} */ (Promise).withResolvers ??= () => {
  /** @type {any} */
  const deferred = {};
  deferred.promise = new Promise((resolve, reject) => Object.assign(deferred, { resolve, reject }));
  return deferred;
};

/** @typedef {(ctx: restate.Context, value: number) => restate.RestatePromise<number>} Step */

/** The three workloads with the steps done as `doStep` does them. @param {string} name @param {Step} doStep */
const runs = (name, doStep) =>
  restate.service({
    name,
    handlers: {
      chain: async (/** @type {restate.Context} */ ctx) => {
        let value = 0;
        for (let i = 0; i < chainLength; i++) value = await doStep(ctx, value);
        return value;
      },
      fanOut: async (/** @type {restate.Context} */ ctx) => {
        const values = await restate.RestatePromise.all(countTo(fanWidth).map(() => doStep(ctx, 0)));
        return values.reduce((total, value) => total + value, 0);
      },
      single: async (/** @type {restate.Context} */ ctx) => doStep(ctx, 0),
    },
  });

const steps = restate.service({
  name: "steps",
  handlers: { step: async (/** @type {restate.Context} */ _ctx, /** @type {number} */ value) => step(value) },
});

const server = http2.createServer(
  restate.createEndpointHandler({
    logger: () => {},
    services: [
      runs("inHandler", (ctx, value) => ctx.run(() => step(value))),
      runs("byCalls", (ctx, value) => ctx.serviceClient(steps).step(value)),
      steps,
    ],
  }),
);
process.on("disconnect", () => process.exit(0));
server.listen(0, "127.0.0.1", () => process.send?.(server.address()));
