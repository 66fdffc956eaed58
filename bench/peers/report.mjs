/** What was measured, as Markdown. Pure. */
import { machineLine, number } from "../report.ts";
import { parts } from "./plan.mjs";

/** @typedef {import("../contest.ts").Standing} Standing */
/** @typedef {import("../statistics.ts").Spread} Spread */
/** @typedef {{durability: import("./options.mjs").Durability, reference: string, standings: Standing[]}} Class */

const figures = parts.flatMap((part) => Object.values(part.figures));
const classNames = {
  written: "Written, not synced: an acknowledged step survives the death of every process",
  fsync: "Every write fsynced: an acknowledged step survives the machine's death too",
};

/**
 * @param {object} all
 * @param {import("../machine.ts").Machine} all.machine
 * @param {Record<string, string>} all.versions
 * @param {Record<string, string>} all.skipped
 * @param {{name: string, durability: string, why: string}[]} all.failures
 * @param {Class[]} all.classes
 */
export function markdown({ machine, versions, skipped, failures, classes }) {
  const lines = [
    machineLine(machine),
    "",
    ...Object.entries(versions).map(([name, version]) => `- ${name} ${version}`),
    ...Object.entries(skipped).map(([name, reason]) => `- **${name} was skipped: ${reason}**`),
    ...failures.map(({ name, durability, why }) => `- **${name} (${durability}) failed: ${why.split("\n")[0]}**`),
    "",
    "W1: chain of 10 steps, so many runs in flight, p50 and p99 of a run alone. W2: fan-out to 100 and join. W3: one step.",
    "Medians of the rounds (least-most).",
  ];
  for (const { durability, reference, standings } of classes) {
    if (standings.length === 0) continue;
    lines.push("", `## ${classNames[durability]}`, "");
    lines.push(...table(figures, standings, ({ figures: found }, figure) => cell(found[figure])));
    const others = standings.filter(({ contestant }) => contestant !== reference);
    const own = standings.find(({ contestant }) => contestant === reference);
    if (own === undefined || others.length === 0) continue;
    lines.push("", "RayFlow divided by the peer, round by round: above 1 is better for steps/s, below 1 for ms.", "");
    lines.push(...table(figures, others, ({ contestant }, figure) => cell(own.ratios[contestant]?.[figure])));
  }
  return `${lines.join("\n")}\n`;
}

/** @param {string[]} columns @param {Standing[]} rows @param {(row: Standing, column: string) => string} content */
const table = (columns, rows, content) => [
  `| | ${columns.join(" | ")} |`,
  `| --- |${" ---: |".repeat(columns.length)}`,
  ...rows.map((row) => `| ${[row.contestant, ...columns.map((column) => content(row, column))].join(" | ")} |`),
];

/** @param {Spread | undefined} spread */
function cell(spread) {
  if (spread === undefined || Number.isNaN(spread.median)) return "";
  if (spread.count === 1) return number(spread.median);
  return `${number(spread.median)} (${number(spread.min)}-${number(spread.max)})`;
}
