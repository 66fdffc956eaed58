export {
  clientOn,
  connectClient,
  type RayflowClient,
  type RayflowClientOptions,
  type RunCallOptions,
} from "./client.ts";
export { type ActorView, type PartitionView, readActors, readPartitions } from "./cluster.ts";
export { type Check, type DiagnoseOptions, diagnose, type Level, unreachable } from "./diagnosis.ts";
export {
  type FlowServiceOptions,
  type GatewayOptions,
  type HttpOptions,
  type HttpServer,
  startFlowService,
  startGateway,
} from "./gateway.ts";
export { resolveResult } from "./large-values.ts";
export type {
  AgentStream,
  CouncilView,
  DeliberationDetail,
  DeliberationView,
  JobView,
  Monitoring,
  MonitoringOverview,
  ServiceView,
  TestCase,
  TestCaseRun,
} from "./monitoring.ts";
export { declaredNodeTypes, knownNodeTypes } from "./node-types.ts";
export { type OverviewOptions, OverviewReader } from "./overview.ts";
export type {
  Overview,
  PartitionOverview,
  RunsOverview,
  StreamOverview,
  TypeOverview,
} from "./overview-views.ts";
export {
  askOrchestrators,
  hasOrchestrator,
  type OrchestratorStatus,
  type ServiceOptions,
  startService,
} from "./request-reply.ts";
export {
  cancelRun,
  publishRun,
  type RunRequest,
  type SubmitOptions,
  type SubmittedRun,
  submitRun,
} from "./run-client.ts";
export {
  type BreakpointsReceipt,
  type ControlAction,
  type ControlReceipt,
  type RerunReceipt,
  type RerunRequest,
  RunControl,
  type SignalReceipt,
  type SignalRequest,
} from "./run-control.ts";
export { type EventRef, RunDirectory, type RunEnd, type WatchOptions } from "./run-directory.ts";
export { inspectRun } from "./run-inspection.ts";
export type { RunPage, RunQuery } from "./run-pages.ts";
export {
  type FailureView,
  type HeldView,
  type NodeView,
  type RunDescription,
  type RunStanding,
  type RunStep,
  type RunSummary,
  runDescription,
  runStanding,
  runStep,
  runSummary,
  type StepNode,
  type WaitsFor,
} from "./run-views.ts";
