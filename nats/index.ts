export { renderJwt } from "./auth-jwt.ts";
export {
  type AuthWishes,
  type PlannedAccount,
  type PlannedUser,
  planAccounts,
  type StoreLimits,
  type WantedUser,
} from "./auth-plan.ts";
export { connectionFlags, renderServerConfig, type Secret, type ServerTls } from "./auth-render.ts";
export { type ConnectOptions, connectNats, requireServer, type ServerReport } from "./connection.ts";
export {
  type ConsumerOptions,
  createNodeConsumer,
  ensureNodeConsumer,
  ensureSubmitConsumer,
  ensureTimerConsumer,
  ensureTriggerConsumer,
  nodeConsumerName,
  ORCHESTRATOR_CONSUMER,
  type TriggerConsumer,
} from "./consumers.ts";
export {
  type Decoded,
  decodeMessage,
  encodeMessage,
  findUnsafe,
  RefusalCounter,
  type RefusalKind,
  type Refusals,
} from "./decode.ts";
export { readDispatch, writeEntry } from "./dispatch-wire.ts";
export { type EmbeddedServer, type EmbeddedServerOptions, startEmbeddedServer } from "./embedded-server.ts";
export { type ExecutionTokens, executionTokens, givenTokens, parseTokenKeys } from "./execution-token.ts";
export { asMessageId, runIdOf } from "./ids.ts";
export { inboxOn } from "./inbox.ts";
export {
  activationOf,
  type CancelMessage,
  cancelMessage,
  type DispatchEntry,
  type DispatchMessage,
  dispatchEntry,
  dispatchMessage,
  type EndsMessage,
  endsMessage,
  errorInfo,
  failedResult,
  headerNames,
  type NodeEvent,
  type NodeResult,
  nodeEvent,
  nodeResult,
  type Rerun,
  type ResultMessage,
  type Reuse,
  type RunEvent,
  type RunMessage,
  type RunOptions,
  type RunResult,
  type RunStatus,
  rerun,
  resultMessage,
  reuse,
  runEvent,
  runMessage,
  runOptions,
  runResult,
  runStatus,
  type SentResult,
  type SentResultMessage,
  type StoredRunMessage,
  type Submission,
  type SubmittedMessage,
  sentResult,
  sentResultMessage,
  storedRunMessage,
  submission,
  toStored,
  WIRE_VERSION,
} from "./messages.ts";
export {
  BUCKETS,
  bucketStream,
  DELIBERATION_BUCKETS,
  EVENT_CONSUMERS,
  EVENT_STREAMS,
  objectStream,
  STREAMS,
} from "./names.ts";
export { outgoingHeaders } from "./outgoing-headers.ts";
export type { Permissions, SubjectRules } from "./permissions.ts";
export {
  type ConnectionPublisher,
  type Publishes,
  type PublishOptions,
  publisherOn,
  type Stored,
} from "./publisher.ts";
export { type PullQueue, type PullQueueOptions, pullQueue } from "./pull-queue.ts";
export { readEnds, readResult, readRunMessage } from "./quick-check.ts";
export {
  inboxPrefixOf,
  parseRole,
  type Role,
  type RoleOptions,
  rolePermissions,
  typesOf,
  userOf,
} from "./roles.ts";
export { firedBy, type Schedule, scheduleHeaders } from "./schedules.ts";
export { serverAway } from "./server-away.ts";
export { type FindServerOptions, findServerBinary, type ServerBinary } from "./server-binary.ts";
export { MIN_SERVER_VERSION, parseVersion, RECOMMENDED_SERVER_VERSION, versionAtLeast } from "./server-version.ts";
export {
  type EndpointStats,
  type MicroEndpoint,
  type MicroRequest,
  type MicroService,
  type MicroServiceOptions,
  startMicroService,
} from "./service.ts";
export { splitIntoMessages } from "./split-into-messages.ts";
export { readSnapshot, type SnapshotInfo, streamsThere, writeSnapshot } from "./stream-snapshot.ts";
export {
  flowOfSubmitSubject,
  fromSafeToken,
  isPublishable,
  type LogSubject,
  parseFireSubject,
  parseLogSubject,
  parseTriggerFire,
  partitionOf,
  SUBMIT_SUBJECT,
  type SubjectToken,
  safeToken,
  subjects,
  subjectToken,
} from "./subjects.ts";
export { ensureTopology, type Topology, type TopologyOptions } from "./topology.ts";
export { type Drift, readTopology, repairTopology, type TopologyReport } from "./topology-drift.ts";
export { type TopologySettings, topologySettings } from "./topology-table.ts";
export { afterTurn } from "./turn.ts";
