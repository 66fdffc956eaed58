export { type BackupManifest, backUp, type RestoreOptions, readManifest, restoreBackup } from "./backup.ts";
export { BlobStore, type BlobStoreOptions, type PutOptions } from "./blob-store.ts";
export { BlueprintStore, blueprintsOn, type FlowAndTypes } from "./blueprint-store.ts";
export { type BoundedRead, isConflict, readBounded } from "./bucket.ts";
export { type Checkpoint, type CheckpointInput, CheckpointStore, checkpoint } from "./checkpoint-store.ts";
export { type Draft, type DraftSummary, FlowDrafts } from "./flow-drafts.ts";
export { type Deployment, type DeployOptions, FlowRegistry } from "./flow-registry.ts";
export {
  type ActiveTrigger,
  type DeployedFlow,
  type FlowVersion,
  parseFlowRef,
  runVersion,
  shortVersion,
  type VersionInfo,
} from "./flow-version.ts";
export { type HistorySummary, historyHeaders } from "./history-headers.ts";
export { type HistoryRecord, historyRecord } from "./history-record.ts";
export {
  bytesBehind,
  DEFAULT_INLINE_BYTES,
  DEFAULT_MAX_VALUE_BYTES,
  type OffloadOptions,
  offloadValues,
  type ResolveOptions,
  resolveValues,
  surelyWithin,
} from "./large-values.ts";
export { LeaseManager, type LeaseManagerOptions } from "./lease-manager.ts";
export { leaseOwners } from "./lease-view.ts";
export {
  byRun,
  type LogEntry,
  logEntry,
  ofRun,
  oneByOne,
  type PartitionEntry,
  type ResultGuard,
} from "./log-entry.ts";
export { messagesBehind } from "./log-lag.ts";
export type { LogReader } from "./log-reader.ts";
export { type CatalogWatch, NodeCatalog } from "./node-catalog.ts";
export { type CachedOutcome, type CacheKeyParts, cacheKey, ResultCache } from "./result-cache.ts";
export { type ReadGate, RunEntries } from "./run-entries.ts";
export { partitionEntries, type RunHead, runHeads } from "./run-heads.ts";
export { type HistoryPart, type HistoryQuery, RunHistory } from "./run-history.ts";
export { type AppendOptions, RunLog } from "./run-log.ts";
export { type BudgetRequest, type Rate, type Reservation, SharedLimits } from "./shared-limits.ts";
export type { Slot, Wait } from "./shared-slots.ts";
export { type SharedPart, type SnapshotMark, SnapshotStore, type StoredSnapshot } from "./snapshot-store.ts";
export { tokensOn } from "./token-keys.ts";
export { TriggerState } from "./trigger-state.ts";
export {
  decodeVariable,
  type Execution,
  type VariableOwner,
  VariableStore,
  variableLocation,
} from "./variable-store.ts";
export type { VariableScope, Variables } from "./variables.ts";
