/** What a command's `<flow>` means: a file, standard input, or the name of a deployed flow. */
import { existsSync } from "node:fs";
import type { NatsConnection } from "@nats-io/transport-node";
import { RayflowError } from "../flow/index.ts";
import { readFlow } from "./read-json.ts";

export type FlowArgument = { readonly flow: unknown } | { readonly flowRef: string };

const DEPLOYED = /^[A-Za-z0-9_-]{1,64}(@.+)?$/;

/**
 * A file that is there goes before a deployed flow of that name; what looks like a path is a file in any case.
 * @throws UsageError
 */
export async function resolveFlowArgument(argument: string): Promise<FlowArgument> {
  const isName = argument !== "-" && DEPLOYED.test(argument) && !/\.json$/i.test(argument) && !existsSync(argument);
  return isName ? { flowRef: argument } : { flow: await readFlow(argument) };
}

/**
 * `name@version` of what is deployed now: an orchestrator that has not heard of the newest version yet runs it all the
 * same.
 * @throws FlowNotFound
 */
export async function pinFlowRef(nc: NatsConnection, flowRef: string): Promise<string> {
  const [{ FlowRegistry }, { ensureTopology }] = await Promise.all([
    import("../store/index.ts"),
    import("../nats/index.ts"),
  ]);
  await ensureTopology(nc);
  const registry = await FlowRegistry.open(nc);
  const found = await registry.find(flowRef);
  if (found === undefined) throw await registry.notFound(flowRef);
  return `${found.name}@${found.version}`;
}

/** The same for what a request asks for. */
export async function pinFlow(nc: NatsConnection, argument: FlowArgument): Promise<FlowArgument> {
  return "flow" in argument ? argument : { flowRef: await pinFlowRef(nc, argument.flowRef) };
}

export function noServer(): RayflowError {
  const message = "no server was named and none with RayFlow runs on this machine: start `rayflow dev`, or name one";
  return new RayflowError("ConnectionFailed", message);
}
