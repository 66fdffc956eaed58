/** `npm run docs:metrics`: writes docs/metrics.md from the table of metrics. `--check` only says whether it is up to date. */
import path from "node:path";
import { pathToFileURL } from "node:url";
import { root, setUp } from "./setup.mjs";
import { writeOrCheck } from "./write-or-check.mjs";

await setUp();
const { LABEL_LIMITS, METRICS } = await import(pathToFileURL(path.join(root, "dist", "telemetry", "index.js")).href);
const cell = (text) => text.replaceAll("|", "\\|");

const owners = {
  process: "Every process",
  orchestrator: "Orchestrator",
  actor: "Actor",
  manager: "Manager of actor processes (`rayflow dev`)",
  gateway: "Gateway",
};

const sections = Object.entries(owners).flatMap(([owner, title]) => [
  `## ${title}`,
  "",
  "| metric | kind | labels | what it says |",
  "| --- | --- | --- | --- |",
  ...Object.entries(METRICS)
    .filter(([, row]) => row.owner === owner)
    .map(([name, { kind, labels, help }]) => `| \`${name}\` | ${kind} | ${labels.join(", ")} | ${cell(help)} |`),
  "",
]);
const limits = Object.entries(LABEL_LIMITS).map(([label, limit]) => `${limit} of \`${label}\``);

const lines = [
  "# Metrics",
  "",
  "Written by `npm run docs:metrics`: do not edit. Where they are read, and what to do with them: [observability.md](observability.md#metrics).",
  "",
  `A process tells so many values of a label apart: ${limits.join(", ")}. What comes after counts as \`other\`. The other labels have`,
  "a fixed set of values. A histogram has the series `_bucket` (with `le`), `_sum` and `_count`.",
  "",
  ...sections.slice(0, -1),
];
writeOrCheck(path.join(root, "docs", "metrics.md"), `${lines.join("\n")}\n`);
