/** A run's events as lines for people. */
import type { RunStep, StepNode } from "../gateway/index.ts";
import type { RunEvent, RunResult } from "../nats/index.ts";
import { type Output, type Style, styled } from "./output.ts";

const MARKS: Readonly<Record<StepNode["state"], readonly [mark: string, style: Style]>> = {
  running: ["▶", "cyan"],
  completed: ["✔", "green"],
  failed: ["✖", "red"],
  skipped: ["-", "dim"],
  waiting: ["…", "yellow"],
  retrying: ["↻", "yellow"],
  held: ["◆", "yellow"],
  cancelled: ["■", "dim"],
};
const MAX_VALUE_LENGTH = 200;
/** A whole value that is longer is laid out over lines. */
const ONE_LINE_LENGTH = 100;
const CLOCK_WIDTH = 9;

export interface ProgressOptions {
  /** Shows inputs and outputs too. */
  readonly values: boolean;
  /** Shows values whole, however long. Default false: their first 200 characters. */
  readonly full?: boolean;
  /** Begins each line with the time since the run was submitted. Default false. */
  readonly clock?: boolean;
  /** Default: stderr. */
  readonly print?: (line: string) => void;
}

/** Events that are told by their nodes alone. */
const QUIET: ReadonlySet<RunStep["kind"]> = new Set(["submitted", "result", "finished"]);

/** Prints each event of a run's log with what became of its nodes, as they come. */
export function stepPrinter(output: Output, options: ProgressOptions): (step: RunStep) => void {
  const print = options.print ?? output.note;
  const fresh = freshInputs();
  let submittedMs: number | undefined;
  return (step) => {
    const timeMs = Date.parse(step.time);
    submittedMs ??= timeMs;
    const clock = options.clock ? `${`+${duration((timeMs - submittedMs) / 1000)}`.padStart(CLOCK_WIDTH)} ` : "";
    if (!QUIET.has(step.kind)) {
      print(`${styled(clock, "dim", output.color)}${styled(`● ${step.kind} ${step.summary}`, "cyan", output.color)}`);
    }
    for (const node of step.nodes) for (const line of nodeLines(fresh(node), output, options, clock)) print(line);
  };
}

/** Takes inputs away that were shown before: when the attempt was held, or when it was sent. `held`: what was shown elsewhere. */
export function freshInputs(held: readonly Omit<StepNode, "state">[] = []): (node: StepNode) => StepNode {
  const shown = new Set(held.map(attemptOf));
  return (node) => {
    const { inputs, ...rest } = node;
    const attempt = attemptOf(node);
    if (inputs === undefined || shown.has(attempt)) return rest;
    shown.add(attempt);
    return node;
  };
}

function attemptOf({ node, scope, attempt, for: reader = "" }: Omit<StepNode, "state">): string {
  return `${node}@${scope}#${attempt}>${reader}`;
}

/** Prints what becomes of each node. */
export function nodePrinter(output: Output, options: ProgressOptions): (nodes: readonly StepNode[]) => void {
  const print = options.print ?? output.note;
  return (nodes) => {
    for (const node of nodes) for (const line of nodeLines(node, output, options, "")) print(line);
  };
}

/** Prints a run's news as they come over the wire. */
export function progressPrinter(output: Output, options: ProgressOptions): (event: RunEvent) => void {
  const print = options.print ?? output.note;
  const printNodes = nodePrinter(output, options);
  let introduced = false;
  return (event) => {
    // News come over two connections: the first node may run before `accepted` is here.
    if (!introduced) print(styled(`run ${event.run_id}`, "dim", output.color));
    introduced = true;
    if (event.kind === "waiting") print(waitingLine(event, output.color));
    if (event.kind === "node") printNodes(event.nodes);
  };
}

function nodeLines(node: StepNode, output: Output, options: ProgressOptions, clock: string): string[] {
  const { color } = output;
  const [mark, style] = MARKS[node.state];
  const name = node.scope === "" ? node.node : `${node.node} @ ${node.scope}`;
  const again = node.attempt > 1 ? ` (attempt ${node.attempt})` : "";
  const reader = node.for === undefined ? "" : ` for ${node.for}`;
  const time = node.time === undefined ? "" : ` ${duration(node.time)}`;
  const why = node.error === undefined ? "" : `: ${node.error.code}: ${node.error.message}`;
  const what = `${name.padEnd(16)} ${node.type.padEnd(20)} ${node.state}${again}${reader}${time}${why}`;
  const line = `${styled(clock, "dim", color)}${styled(mark, style, color)} ${what}`;
  if (!options.values) return [line];
  const indent = " ".repeat(clock.length);
  const values = [...valueLines("in ", node.inputs, options), ...valueLines("out", node.outputs, options)];
  return [line, ...values.map((text) => styled(`${indent}${text}`, "dim", color))];
}

function valueLines(label: string, values: Record<string, unknown> | undefined, options: ProgressOptions): string[] {
  return Object.entries(values ?? {}).flatMap(([pin, value]) => {
    const text = JSON.stringify(value) ?? "undefined";
    if (!options.full) return `    ${label} ${pin} = ${shorten(text)}`;
    if (text.length <= ONE_LINE_LENGTH) return `    ${label} ${pin} = ${text}`;
    const [first = "", ...rest] = JSON.stringify(value, null, 2).split("\n");
    return [`    ${label} ${pin} = ${first}`, ...rest.map((line) => `        ${line}`)];
  });
}

/** How a run ended, in a line. */
export function resultLine({ success, status, error, statistics }: RunResult, color: boolean): string {
  const mark = success ? styled("✔", "green", color) : styled("✖", "red", color);
  const why = error === null ? "" : `: ${error.code}: ${error.message}`;
  return `${mark} ${status} in ${statistics.total_time.toFixed(3)} s${why}`;
}

export function waitingLine(event: Extract<RunEvent, { kind: "waiting" }>, color: boolean): string {
  const { node, type, seconds } = event;
  const since = seconds > 0 ? ` for ${seconds.toFixed(0)} s` : "";
  return styled(
    `… node ${node} waits${since}: no actor serves ${type} (start one: rayflow actor --types ${type})`,
    "yellow",
    color,
  );
}

/** `1.8 ms`, `2.50 s`, `12 min`. */
export function duration(seconds: number): string {
  if (seconds < 1) return `${(seconds * 1000).toFixed(1)} ms`;
  return seconds < 600 ? `${seconds.toFixed(2)} s` : `${Math.round(seconds / 60)} min`;
}

function shorten(text: string): string {
  return text.length <= MAX_VALUE_LENGTH ? text : `${text.slice(0, MAX_VALUE_LENGTH)} … (${text.length} characters)`;
}
