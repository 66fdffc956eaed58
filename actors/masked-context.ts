/** `ctx` for node code that holds secrets: what it logs and stores is masked, and it makes no spans of its own. */
import type { Variables } from "../store/index.ts";
import { noopTracer } from "../telemetry/index.ts";
import type { NodeContext, NodeLog } from "./node-definition.ts";
import type { Mask } from "./secret-mask.ts";

export function maskedContext(ctx: NodeContext, mask: Mask): NodeContext {
  return {
    runId: ctx.runId,
    flow: ctx.flow,
    nodeId: ctx.nodeId,
    scope: ctx.scope,
    attempt: ctx.attempt,
    idempotencyKey: ctx.idempotencyKey,
    deadline: ctx.deadline,
    resources: ctx.resources,
    // What code writes onto a span of its own would be out of reach.
    tracer: noopTracer,
    get signal() {
      return ctx.signal;
    },
    get log() {
      return maskedLog(ctx.log, mask);
    },
    get variables() {
      return maskedVariables(ctx.variables, mask);
    },
    heartbeat: ctx.heartbeat,
    publish: (subject, data, options) => ctx.publish(subject, mask(data), options),
  };
}

function maskedLog(log: NodeLog, mask: Mask): NodeLog {
  return {
    debug: (message, fields) => log.debug(mask(message), mask(fields)),
    info: (message, fields) => log.info(mask(message), mask(fields)),
    warn: (message, fields) => log.warn(mask(message), mask(fields)),
    error: (message, fields) => log.error(mask(message), mask(fields)),
  };
}

/** Everything that is handed in, names too. */
function maskedVariables(variables: Variables, mask: Mask): Variables {
  return new Proxy(variables, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...values: unknown[]): unknown => Reflect.apply(member, target, mask(values));
    },
  });
}
