/** Results as Markdown tables. Pure. */
import type { CaseResult } from "./bench.ts";
import type { Standing } from "./contest.ts";
import type { Machine } from "./machine.ts";
import type { Spread } from "./statistics.ts";

/** One table: a row for each contestant, a column for each figure. */
export function caseTable({ workload, name, durability, references, standings }: CaseResult): string {
  const figures = [...new Set(standings.flatMap((standing) => Object.keys(standing.figures)))];
  const others = references.filter((other) => standings.some(({ ratios }) => ratios[other]));
  const head = ["", ...figures, ...others.map((other) => `/ ${other}`)];
  const rows = standings.map((standing) => [
    standing.contestant,
    ...figures.map((figure) => cell(standing.figures[figure])),
    ...others.map((other) => ratioCell(standing, other)),
  ]);
  const sync = durability === "always" ? "every write fsynced" : "default durability";
  return `### ${workload} ${name}, ${sync}\n\n${table(head, rows)}\n`;
}

export function machineLine({
  cpu,
  cores,
  memory_gib,
  kernel,
  node,
  nats_server,
  commit,
  load_before,
}: Machine): string {
  return `${cpu}, ${cores} cores, ${memory_gib} GiB, Linux ${kernel}; Node ${node}, nats-server ${nats_server}, commit ${commit}; load before: ${load_before.toFixed(1)}`;
}

/** Of the figure that counts: the first one. */
function ratioCell({ contestant, ratios }: Standing, other: string): string {
  if (contestant === other) return "1";
  const ratio = Object.values(ratios[other] ?? {})[0];
  return ratio === undefined ? "" : number(ratio.median);
}

function cell(spread: Spread | undefined): string {
  if (spread === undefined || Number.isNaN(spread.median)) return "";
  if (spread.count === 1) return number(spread.median);
  return `${number(spread.median)} (${number(spread.min)}-${number(spread.max)})`;
}

/** Three digits that count. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return "";
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString("en-US");
  if (size >= 10) return value.toFixed(1);
  return value.toFixed(size >= 1 ? 2 : 3);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length), 3));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text, i) => text.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  return [line(head), `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...rows.map(line)].join("\n");
}
