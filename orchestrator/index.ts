export { inspectedMachine } from "./inspection.ts";
export { type Logger, silentLogger } from "./logger.ts";
export { type Orchestrator, type OrchestratorOptions, startOrchestrator } from "./orchestrator.ts";
export { breakpointError } from "./run/breakpoints.ts";
export type { Command } from "./run/commands.ts";
export { foldRun, graphOf, type LogEntry, Run } from "./run/fold.ts";
export type { RunInspection, RunView } from "./run/inspected-machine.ts";
export { type RunSnapshot, runSnapshot } from "./run/snapshot.ts";
