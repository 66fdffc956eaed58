/** Who does the work: what other rooms may use of this one. Node files import `sdk.ts` instead. */
export { type Actor, type ActorOptions, type StopOptions, startActor } from "./actor.ts";
export type { ActorExit } from "./actor-child.ts";
export {
  ActorManager,
  type ActorManagerEvent,
  type ActorManagerOptions,
  type ActorProcessState,
  perType,
} from "./actor-manager.ts";
export { type ActorProcessOptions, runActorProcess } from "./actor-process.ts";
export { type ActorStatus, askActors } from "./actor-status.ts";
export { defineControl, defineNode, take } from "./define-node.ts";
export { type ModelSettings, type ModelVariables, readModelSettings } from "./model-access.ts";
export type { NodeContext, NodeDefinition, NodeOutcome, NodeResources } from "./node-definition.ts";
export { NodeExecutor, type NodeExecutorOptions } from "./node-executor.ts";
export { type LoadedNode, type LoadedNodes, type LoadNodesOptions, loadNodes } from "./node-loader.ts";
export type { WorkloadCounters } from "./workload.ts";
