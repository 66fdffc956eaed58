export {
  clientOn,
  connectClient,
  type RayflowClient,
  type RayflowClientOptions,
  type RunCallOptions,
} from "./client.ts";
export { declaredNodeTypes, knownNodeTypes } from "./node-types.ts";
export { askOrchestrators, type OrchestratorStatus, type ServiceOptions, startService } from "./request-reply.ts";
export {
  cancelRun,
  publishRun,
  type RunRequest,
  type SubmitOptions,
  type SubmittedRun,
  submitRun,
} from "./run-client.ts";
