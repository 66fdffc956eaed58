/**
 * RayFlow as a library: write nodes, run flows. Every node file imports this, so what is costly loads when it is called.
 */
import type { RunFlowLibraryOptions } from "./cli/library.ts";
import type { RayflowClient, RayflowClientOptions } from "./gateway/client.ts";
import type { RunResult } from "./nats/messages.ts";

export {
  any,
  bool,
  type ControlSpec,
  defineControl,
  defineNode,
  dict,
  float,
  int,
  isNodeDefinition,
  list,
  type NodeContext,
  type NodeDefinition,
  type NodeLog,
  type NodeOutcome,
  type NodeResources,
  type NodeSpec,
  type PinSchemas,
  RayflowError,
  str,
  type Taken,
  take,
  type VariableScope,
  type Variables,
  z,
} from "./actors/sdk.ts";
export type { RunFlowLibraryOptions as RunFlowOptions } from "./cli/library.ts";
export type { ErrorInfo } from "./flow/errors.ts";
export type { FlowIssue } from "./flow/issue.ts";
export type { ValidationResult } from "./flow/validator.ts";
export type { RayflowClient, RayflowClientOptions, RunCallOptions } from "./gateway/client.ts";
export type { SubmittedRun } from "./gateway/run-client.ts";
export type { RunEvent, RunOptions, RunResult } from "./nats/messages.ts";

/**
 * A client of a running RayFlow. Default server: nats://127.0.0.1:4222.
 * @throws ConnectionFailed
 */
export async function connect(options: RayflowClientOptions = {}): Promise<RayflowClient> {
  const { connectClient } = await import("./gateway/index.ts");
  return connectClient(options);
}

/**
 * Runs one flow and waits for its result, on `options.server` or NATS_URL; without either it starts a nats-server, an
 * orchestrator and an actor process for the call. A failed run is a result with `success: false`.
 * @throws InvalidFlow (details: errors, warnings), RunTimeout, ConnectionFailed, ServerMissing
 */
export async function runFlow(
  flow: unknown,
  inputs: Readonly<Record<string, unknown>> = {},
  options: RunFlowLibraryOptions = {},
): Promise<RunResult> {
  const library = await import("./cli/library.ts");
  return library.runFlow(flow, inputs, options);
}
