/**
 * Running a finished run again from somewhere: a new run of the same flow that takes over what the old one had before
 * that point. What it takes over is read from the old run's history by the same fold that ran it.
 */
import { type GraphNode, RayflowError } from "../flow/index.ts";
import { partitionOf, type Rerun, type SubmittedMessage } from "../nats/index.ts";
import type { RunLog } from "../store/index.ts";
import { foldRun, type LogEntry, type Run } from "./run/fold.ts";

export interface Reused {
  readonly flow: SubmittedMessage["flow"];
  readonly types: SubmittedMessage["types"];
  readonly inputs: Record<string, unknown>;
  readonly reuse: NonNullable<SubmittedMessage["reuse"]>;
  /** The old run's own variables as they stood after what is taken over. */
  readonly variables: Record<string, unknown>;
}

/** @throws RunNotFound when the run is not in the history, ValidationError when `from` is no node of its flow */
export async function reuseOf(wanted: Rerun, log: Pick<RunLog, "readHistory">, partitions: number): Promise<Reused> {
  const record = await log.readHistory(wanted.run);
  const first = record?.entries[0];
  if (!record || first?.kind !== "run" || first.message.kind !== "submitted") {
    throw new RayflowError("RunNotFound", `the history holds no finished run ${wanted.run} to run again`);
  }
  const submitted = first.message;
  const run = foldRun(wanted.run, partitionOf(wanted.run, partitions), record.entries);
  const { graph } = run.details;
  const from = wanted.from === undefined ? undefined : graph.nodes.get(wanted.from);
  if (wanted.from !== undefined && !from) {
    throw new RayflowError("ValidationError", `the flow of ${wanted.run} has no node ${wanted.from}`);
  }
  const anew = from ? downstream(run, [rootOf(run, from)]) : downstream(run, failedNodes(run));
  const results = resultsBefore(run, anew);
  const atStart = from?.kind === "start";
  const edited = wanted.inputs ?? {};
  return {
    flow: submitted.flow,
    types: submitted.types,
    inputs: atStart ? { ...submitted.inputs, ...edited } : submitted.inputs,
    reuse: {
      run: wanted.run,
      results: { ...submitted.reuse?.results, ...results },
      ...(from && !atStart && wanted.inputs ? { inputs: { [from.id]: edited } } : {}),
    },
    variables: variablesAfter(run, record.entries, new Set(Object.keys(results))),
  };
}

/** The node of the root scope that a node belongs to: itself, or the outermost loop around it. */
function rootOf(run: Run, node: GraphNode): string {
  const { graph } = run.details;
  let region = node.regions[0] ?? "";
  let id = node.id;
  while (region !== "") {
    id = region;
    region = graph.nodes.get(region)?.regions[0] ?? "";
  }
  return id;
}

function failedNodes(run: Run): string[] {
  const root = run.details.scopes.get("");
  return [...(root?.activations.values() ?? [])]
    .filter((activation) => activation.error !== undefined && !activation.pins.includes("error"))
    .map((activation) => activation.node);
}

/** These nodes and everything that exec or data leads to from them, among the nodes of the root scope and pure ones. */
function downstream(run: Run, from: readonly string[]): Set<string> {
  const { graph } = run.details;
  const next = new Map<string, string[]>();
  for (const edge of graph.flow.edges) {
    const targets = next.get(edge.source);
    if (targets) targets.push(edge.target);
    else next.set(edge.source, [edge.target]);
  }
  const found = new Set<string>();
  const open = [...from];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    open.push(...(next.get(id) ?? []));
  }
  return found;
}

function resultsBefore(run: Run, anew: ReadonlySet<string>): NonNullable<SubmittedMessage["reuse"]>["results"] {
  const { graph, scopes } = run.details;
  const kept: NonNullable<SubmittedMessage["reuse"]>["results"] = {};
  for (const activation of scopes.get("")?.activations.values() ?? []) {
    const kind = graph.nodes.get(activation.node)?.kind;
    if (anew.has(activation.node) || kind === "start" || kind === "return") continue;
    const settled = activation.state === "completed" || activation.pins.includes("error");
    if (settled && activation.outputs) {
      kept[activation.node] = { pins: [...activation.pins], outputs: activation.outputs };
    }
  }
  return kept;
}

const WRITERS = new Set(["variables_set", "variables_increment", "variables_delete"]);

/** A run's variables go with it; what the nodes that are taken over had written is read off their results. */
function variablesAfter(run: Run, entries: readonly LogEntry[], kept: ReadonlySet<string>): Record<string, unknown> {
  const variables: Record<string, unknown> = {};
  for (const entry of entries) {
    if (entry.kind !== "result" || !WRITERS.has(entry.message.type)) continue;
    for (const result of entry.message.results) {
      const node = run.details.graph.nodes.get(/^[^:]*:([^@]+)@/.exec(result.id)?.[1] ?? "");
      if (result.status !== "ok" || !node || !kept.has(rootOf(run, node))) continue;
      const { variable_name: name, scope = "run" } = node.config;
      if (typeof name !== "string" || scope !== "run") continue;
      if (entry.message.type === "variables_delete") delete variables[name];
      else variables[name] = result.outputs?.value;
    }
  }
  return variables;
}
