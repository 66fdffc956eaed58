export { type Checkpoint, type CheckpointInput, CheckpointStore, checkpoint } from "./checkpoint-store.ts";
export { type CatalogWatch, NodeCatalog } from "./node-catalog.ts";
export { type Execution, type VariableOwner, VariableStore } from "./variable-store.ts";
export type { VariableScope, Variables } from "./variables.ts";
