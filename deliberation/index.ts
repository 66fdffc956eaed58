export { CONTEXT_UPDATED, type ContextUpdatedEvent, contextUpdatedEvent } from "./context/context-service.ts";
export type { TaskContext } from "./context/context-store.ts";
export {
  type ContextOptions,
  openContextStore,
  type RunningContext,
  startContext,
} from "./context/open-context.ts";
export { councilFlow } from "./council-flow.ts";
export {
  buildDeliberation,
  type Deliberation,
  type DeliberationRequest,
  deliberationRequest,
  FLOW_NAME,
} from "./deliberation-flow.ts";
export { DEFAULT_GRPC_PORT } from "./grpc/port.ts";
export {
  type AgentAnswer,
  type AgentFailure,
  type AgentResultEvent,
  agentAnswer,
  agentFailure,
  agentResultEvent,
  type CouncilAgent,
  councilAgent,
  type DeliberationCompletedEvent,
  type DeliberationFailedEvent,
  type DeliberationResult,
  deliberationCompletedEvent,
  deliberationFailedEvent,
  deliberationIdOf,
  deliberationMsgId,
  deliberationResult,
  deliberationSubjects,
  type JudgedAnswer,
  judgedAnswer,
  type RubricCriterion,
  rubricCriterion,
  type StreamingEvent,
  streamingEvent,
  type TokenUsage,
  tokenUsage,
} from "./messages.ts";
export { type ModelStandIn, type SeenRequest, STAND_IN_MODEL, startModelStandIn } from "./model-stand-in.ts";
export {
  type ExecutorOptions,
  type GrpcServer,
  openMonitoring,
  setUpDeliberations,
  startExecutor,
} from "./services.ts";
export { type StartedDeliberation, type StartOptions, startDeliberation } from "./start-deliberation.ts";
export { TaskRecords } from "./task-records.ts";
