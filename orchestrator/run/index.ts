/** What the editor needs to fold a run in the browser; the orchestrator itself looks inside. */
export type { Command } from "./commands.ts";
export { type LogEntry, Run } from "./fold.ts";
export { executionId, iterationScope } from "./ids.ts";
export type { Activation, RunState, Scope } from "./run-state.ts";
