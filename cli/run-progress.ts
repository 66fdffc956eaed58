/** A run's events as lines for people. */
import type { NodeEvent, RunEvent, RunResult } from "../nats/index.ts";
import { type Output, type Style, styled } from "./output.ts";

const MARKS: Readonly<Record<NodeEvent["state"], readonly [mark: string, style: Style]>> = {
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

export interface ProgressOptions {
  /** Shows inputs and outputs too. */
  readonly values: boolean;
  /** Whether the run was named before: else the first line does. Default false. */
  readonly introduced?: boolean;
  /** Default: stderr. */
  readonly print?: (line: string) => void;
}

/** Prints each node as it runs, and whatever else is worth knowing. */
export function progressPrinter(output: Output, options: ProgressOptions): (event: RunEvent) => void {
  const note = options.print ?? output.note;
  let introduced = options.introduced === true;
  return (event) => {
    // News come over two connections: the first node may run before `accepted` is here.
    if (!introduced) note(styled(`run ${event.run_id}`, "dim", output.color));
    introduced = true;
    if (event.kind === "waiting") note(waitingLine(event, output.color));
    if (event.kind === "node") for (const node of event.nodes) for (const line of nodeLines(node)) note(line);
  };

  function nodeLines(node: NodeEvent): string[] {
    const [mark, style] = MARKS[node.state];
    const name = node.scope === "" ? node.node : `${node.node} @ ${node.scope}`;
    const again = node.attempt > 1 ? ` (attempt ${node.attempt})` : "";
    const time = node.time === undefined ? "" : ` ${milliseconds(node.time)}`;
    const why = node.error === undefined ? "" : `: ${node.error.code}: ${node.error.message}`;
    const line = `${styled(mark, style, output.color)} ${name.padEnd(16)} ${node.type.padEnd(20)} ${node.state}${again}${time}${why}`;
    if (!options.values) return [line];
    return [line, ...valueLines("in ", node.inputs), ...valueLines("out", node.outputs)];
  }

  function valueLines(label: string, values: Record<string, unknown> | undefined): string[] {
    return Object.entries(values ?? {}).map(([pin, value]) =>
      styled(`    ${label} ${pin} = ${shorten(JSON.stringify(value) ?? "undefined")}`, "dim", output.color),
    );
  }
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

function milliseconds(seconds: number): string {
  return seconds < 1 ? `${(seconds * 1000).toFixed(1)} ms` : `${seconds.toFixed(2)} s`;
}

function shorten(text: string): string {
  return text.length <= MAX_VALUE_LENGTH ? text : `${text.slice(0, MAX_VALUE_LENGTH)} … (${text.length} characters)`;
}
