import type { Command } from "commander";
import { contextOf, exitWith } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { printIssues } from "../failure.ts";
import { styled } from "../output.ts";
import { readFlow } from "../read-json.ts";
import { addNodesDirOption, type NodeFlags } from "../stack-options.ts";

export function register(program: Command): void {
  addNodesDirOption(
    program
      .command("validate")
      .description("check a flow and list everything that is wrong with it")
      .argument("<flow>", "a flow's JSON file, or - for standard input"),
  ).action(async (file: string, flags: NodeFlags, self: Command) => {
    const context = contextOf(self);
    const { output } = context;
    const [{ checkFlow }, { knownTypes }] = await Promise.all([
      import("../../flow/index.ts"),
      import("../known-types.ts"),
    ]);
    const json = await readFlow(file);
    const known = await knownTypes(context, flags, "rayflow validate");
    const types = new Map([...known.types].map(([type, { nodeType }]) => [type, nodeType]));
    const { valid, errors, warnings } = checkFlow(json, types);
    exitWith(valid ? EXIT.ok : EXIT.usage);
    if (output.format !== "table") return output.json({ valid, errors, warnings });
    for (const problem of known.problems) output.note(`not loaded: ${problem}`);
    printIssues({ valid, errors, warnings }, output.print, output.color);
    const counts = `${errors.length} errors, ${warnings.length} warnings`;
    output.print(valid ? styled(`valid (${counts})`, "green", output.color) : `invalid (${counts})`);
  });
}
