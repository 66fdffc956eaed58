/** `npm run docs:errors`: writes docs/errors.md from the table of codes. `--check` only says whether it is up to date. */
import path from "node:path";
import { pathToFileURL } from "node:url";
import { root, setUp } from "./setup.mjs";
import { writeOrCheck } from "./write-or-check.mjs";

await setUp();
const { errorCodes, errorIssueCodes, warningIssueCodes } = await import(
  pathToFileURL(path.join(root, "dist", "flow", "index.js")).href
);
const cell = (text) => text.replaceAll("|", "\\|");

const lines = [
  "# Errors",
  "",
  "Written by `npm run docs:errors`: do not edit.",
  "",
  "Every error has a `code` that stays the same and a `message` for people; match on the code. *Retryable* says whether the",
  "same call may succeed when it is tried again unchanged, which is also what a node's retry policy goes by. Node code may fail",
  "with codes of its own (`DivideByZero`).",
  "",
  "| code | retryable | what it means and what to do |",
  "| --- | --- | --- |",
  ...Object.entries(errorCodes).map(
    ([code, { help, retryable }]) => `| \`${code}\` | ${retryable ? "yes" : "no"} | ${cell(help)} |`,
  ),
  "",
  "## What the validator finds",
  "",
  "`rayflow validate` lists all findings at once, each `{code, message, node_id?, edge_id?, path?}`.",
  "",
  `Errors, which make a flow invalid: ${errorIssueCodes.map((code) => `\`${code}\``).join(", ")}.`,
  "",
  `Warnings: ${warningIssueCodes.map((code) => `\`${code}\``).join(", ")}.`,
  "",
  "## Exit codes of the command",
  "",
  "0 ok, 1 the run failed, 2 usage or invalid flow, 3 cannot connect, 4 timeout, 130 interrupted.",
];
writeOrCheck(path.join(root, "docs", "errors.md"), `${lines.join("\n")}\n`);
