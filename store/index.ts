export { type Checkpoint, type CheckpointInput, CheckpointStore, checkpoint } from "./checkpoint-store.ts";
export { LeaseManager, type LeaseManagerOptions } from "./lease-manager.ts";
export { type LogEntry, logEntry, ofRun } from "./log-entry.ts";
export type { LogReader } from "./log-reader.ts";
export { type CatalogWatch, NodeCatalog } from "./node-catalog.ts";
export {
  type HistoryQuery,
  type HistoryRecord,
  type HistorySummary,
  historyHeaders,
  historyRecord,
  RunHistory,
} from "./run-history.ts";
export { type AppendOptions, RunLog } from "./run-log.ts";
export { type SharedPart, type SnapshotMark, SnapshotStore, type StoredSnapshot } from "./snapshot-store.ts";
export { type Execution, type VariableOwner, VariableStore } from "./variable-store.ts";
export type { VariableScope, Variables } from "./variables.ts";
